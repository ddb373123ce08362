//! The statements that make a database with its two roles. One text for clusters of a stack and for tests,
//! so that what passes in a test is permitted in the stack, and what is forbidden there fails in the test.

use crate::secret::Secret;

/// `initdb` is told to name it so, whoever runs it.
pub const SUPERUSER: &str = "postgres";

/// A database and its roles by plain names (see [`super::InvalidName`]), which are quoted all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatabaseNames<'a> {
    pub database: &'a str,
    pub owner: &'a str,
    pub app: &'a str,
}

impl DatabaseNames<'_> {
    /// Makes both roles, still without passwords. Run anywhere in the cluster.
    pub fn create_roles(&self) -> Vec<String> {
        [self.owner, self.app]
            .map(|role| format!("create role {} login nosuperuser nocreatedb nocreaterole", quoted(role)))
            .into()
    }

    /// Who may connect: the owner and the app role, nobody else. Run anywhere in the cluster.
    pub fn guard_database(&self) -> Vec<String> {
        let (database, app) = (quoted(self.database), quoted(self.app));
        vec![
            format!("revoke all on database {database} from public"),
            format!("grant connect on database {database} to {app}"),
        ]
    }

    /// What the app role may do with what the owner will make: rows, never definitions. Run inside the database.
    pub fn guard_schema(&self) -> Vec<String> {
        let (owner, app) = (quoted(self.owner), quoted(self.app));
        let by_default = format!("alter default privileges for role {owner}");
        vec![
            format!("alter schema public owner to {owner}"),
            "revoke all on schema public from public".to_owned(),
            format!("grant usage on schema public to {app}"),
            format!("{by_default} grant select, insert, update, delete on tables to {app}"),
            format!("{by_default} grant usage, select on sequences to {app}"),
            format!("{by_default} revoke execute on functions from public"),
            format!("{by_default} grant execute on functions to {app}"),
        ]
    }
}

pub fn set_password(role: &str, password: &Secret) -> String {
    format!("alter role {} password {}", quoted(role), literal(password.expose()))
}

/// A string as SQL on one line, whatever it holds and however `standard_conforming_strings` is set.
fn literal(text: &str) -> String {
    let mut sql = String::from("E'");
    for letter in text.chars() {
        match letter {
            '\'' => sql.push_str("''"),
            '\\' => sql.push_str(r"\\"),
            '\n' => sql.push_str(r"\n"),
            '\r' => sql.push_str(r"\r"),
            other => sql.push(other),
        }
    }
    sql.push('\'');
    sql
}

/// An identifier, quoted.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_stays_one_literal_on_one_line() {
        assert_eq!(literal("it's\na \\ b\r"), r"E'it''s\na \\ b\r'");
        assert_eq!(quoted("a\"b"), "\"a\"\"b\"");
    }
}
