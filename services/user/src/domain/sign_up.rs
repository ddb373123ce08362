//! What a new account must look like.

use contract::password::Password;
use contract::user::Role;

use super::email::Email;
use super::violation::{Rule, Violation};

pub const LONGEST_NAME: usize = 50;
pub const LONGEST_INFO: usize = 100;
/// A URL; longer ones are images that somebody pasted in.
pub const LONGEST_PICTURE: usize = 2048;
const SHORTEST_PASSWORD: usize = 8;
const LONGEST_PASSWORD: usize = 100;

/// What somebody filled in, unchecked. Absent and empty are the same.
#[derive(Default)]
pub struct Form<'a> {
    pub email: &'a str,
    pub first_name: &'a str,
    pub last_name: &'a str,
    pub name: &'a str,
    pub password: &'a str,
    pub picture: Option<&'a str>,
    pub info: Option<&'a str>,
}

/// An account that may be created.
#[derive(Debug, Clone)]
pub struct NewAccount {
    pub email: Email,
    pub first_name: String,
    pub last_name: String,
    pub name: String,
    pub picture: Option<String>,
    pub info: Option<String>,
    pub role: Role,
    pub password: Password,
}

/// Checks a sign-up form and reports every broken rule at once.
pub fn check(form: &Form<'_>) -> Result<NewAccount, Vec<Violation>> {
    let mut broken = Vec::new();
    let email = Email::parse(form.email);
    match &email {
        Ok(_) => {}
        Err(_) if form.email.trim().is_empty() => broken.push(Violation::new("email", Rule::Required)),
        Err(_) => broken.push(Violation::new("email", Rule::NotAnEmail)),
    }
    let first_name = required_name("firstName", form.first_name, &mut broken);
    let last_name = required_name("lastName", form.last_name, &mut broken);
    let name = display_name(form.name, first_name, last_name, &mut broken);
    let picture = optional("picture", form.picture, LONGEST_PICTURE, &mut broken);
    let info = optional("info", form.info, LONGEST_INFO, &mut broken);
    if !is_strong(form.password) {
        broken.push(Violation::new("password", Rule::WeakPassword));
    }
    match email {
        Ok(email) if broken.is_empty() => Ok(NewAccount {
            email,
            first_name: first_name.to_owned(),
            last_name: last_name.to_owned(),
            name,
            picture,
            info,
            role: Role::User,
            password: Password::new(form.password.to_owned()),
        }),
        _ => Err(broken),
    }
}

/// An account made by an operator, who may leave the names out: the part before the `@` stands in.
pub fn check_operators(form: &Form<'_>, role: Role) -> Result<NewAccount, Vec<Violation>> {
    let stand_in: String =
        form.email.trim().split('@').next().unwrap_or_default().chars().take(LONGEST_NAME).collect();
    let or_stand_in = |text: &str| {
        if text.trim().is_empty() { stand_in.clone() } else { text.to_owned() }
    };
    let (first_name, last_name) = (or_stand_in(form.first_name), or_stand_in(form.last_name));
    let name = if form.first_name.trim().is_empty() && form.last_name.trim().is_empty() {
        &stand_in
    } else {
        form.name
    };
    let filled = Form {
        first_name: &first_name,
        last_name: &last_name,
        name,
        email: form.email,
        password: form.password,
        picture: form.picture,
        info: form.info,
    };
    check(&filled).map(|account| NewAccount { role, ..account })
}

/// 8 to 100 characters, at least one letter of any script, at least one digit.
pub fn is_strong(password: &str) -> bool {
    let length = password.chars().count();
    (SHORTEST_PASSWORD..=LONGEST_PASSWORD).contains(&length)
        && password.chars().any(char::is_alphabetic)
        && password.chars().any(char::is_numeric)
}

/// The given display name, or both names with a space between.
fn display_name(given: &str, first: &str, last: &str, broken: &mut Vec<Violation>) -> String {
    let given = given.trim();
    if given.is_empty() {
        return format!("{first} {last}");
    }
    if given.chars().count() > LONGEST_NAME {
        broken.push(Violation::new("name", Rule::TooLong(LONGEST_NAME)));
    }
    given.to_owned()
}

fn required_name<'a>(field: &'static str, text: &'a str, broken: &mut Vec<Violation>) -> &'a str {
    let text = text.trim();
    if text.is_empty() {
        broken.push(Violation::new(field, Rule::Required));
    } else if text.chars().count() > LONGEST_NAME {
        broken.push(Violation::new(field, Rule::TooLong(LONGEST_NAME)));
    }
    text
}

fn optional(
    field: &'static str,
    text: Option<&str>,
    limit: usize,
    broken: &mut Vec<Violation>,
) -> Option<String> {
    let text = text?;
    if text.chars().count() > limit {
        broken.push(Violation::new(field, Rule::TooLong(limit)));
    }
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> Form<'static> {
        Form {
            email: "mina@example.com",
            first_name: "미나",
            last_name: "김",
            password: "hunter22",
            ..Form::default()
        }
    }

    fn broken(form: &Form<'_>) -> Vec<Violation> {
        check(form).map(|_| ()).expect_err("the form breaks a rule")
    }

    #[test]
    fn blank_name_becomes_both_names() {
        assert_eq!(check(&form()).unwrap().name, "미나 김");
        assert_eq!(check(&Form { name: " 민 ", ..form() }).unwrap().name, "민");
    }

    #[test]
    fn a_new_account_is_a_users_account() {
        assert_eq!(check(&form()).unwrap().role, Role::User);
    }

    #[test]
    fn every_broken_rule_is_reported_at_once() {
        let empty = Form::default();
        let expected = ["email", "firstName", "lastName", "password"];
        assert_eq!(broken(&empty).iter().map(|v| v.field).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn lengths_are_counted_in_characters() {
        let fifty = "가".repeat(50);
        let more = "가".repeat(51);
        let info = "가".repeat(100);
        assert!(check(&Form { first_name: &fifty, info: Some(&info), ..form() }).is_ok());
        let too_long = broken(&Form { first_name: &more, ..form() });
        assert_eq!(too_long, [Violation::new("firstName", Rule::TooLong(50))]);
        let info = "가".repeat(101);
        assert_eq!(
            broken(&Form { info: Some(&info), ..form() }),
            [Violation::new("info", Rule::TooLong(100))]
        );
    }

    #[test]
    fn a_password_needs_length_a_letter_and_a_digit() {
        let hundred = format!("a1{}", "x".repeat(98));
        let more = format!("{hundred}x");
        for (password, strong) in [
            ("hunter22", true),
            ("비밀번호12345", true),
            (hundred.as_str(), true),
            ("a1b2c3d", false),
            ("abcdefgh", false),
            ("12345678", false),
            ("", false),
            (more.as_str(), false),
        ] {
            assert_eq!(is_strong(password), strong, "{password}");
        }
    }

    #[test]
    fn an_operator_may_leave_the_names_out() {
        let bare = Form { email: "ops@example.com", password: "hunter22", ..Form::default() };
        let account = check_operators(&bare, Role::Admin).unwrap();
        assert_eq!(
            (account.first_name.as_str(), account.name.as_str(), account.role),
            ("ops", "ops", Role::Admin)
        );
        assert!(check_operators(&Form { email: "ops", ..bare }, Role::Admin).is_err());
    }

    #[test]
    fn passwords_and_addresses_stay_out_of_debug_output() {
        let text = format!("{:?}", check(&form()).unwrap());
        assert!(!text.contains("hunter22") && !text.contains("mina@"), "{text}");
    }
}
