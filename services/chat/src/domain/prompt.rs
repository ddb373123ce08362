//! What an administrator may tell a bot, and the bounds of it.

use contract::chat::Level;
use garde::error::Path;
use garde::{Report, Validate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The longest system prompt, in characters; the database's own limit too.
pub const LONGEST_PROMPT: usize = 20_000;
/// Directives per level: every one of them is sent with every question.
pub const MOST_DIRECTIVES: usize = 20;
/// In characters.
pub const LONGEST_DIRECTIVE: usize = 500;
pub const LONGEST_NOTE: usize = 500;
pub const LONGEST_DESCRIPTION: usize = 1000;
pub const LONGEST_PICTURE: usize = 500;

/// Further instructions by the room's level: `{"1": […], "2": […], "3": […]}`. A level that is not named has none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Directives {
    /// 1: formal.
    #[serde(rename = "1", default)]
    pub formal: Vec<String>,
    /// 2: soft polite.
    #[serde(rename = "2", default)]
    pub polite: Vec<String>,
    /// 3: casual.
    #[serde(rename = "3", default)]
    pub casual: Vec<String>,
}

impl Directives {
    pub fn of(&self, level: Level) -> &[String] {
        match level {
            Level::Formal => &self.formal,
            Level::Polite => &self.polite,
            Level::Casual => &self.casual,
        }
    }
}

/// By hand, because what is wrong is named by the keys of the wire.
impl Validate for Directives {
    type Context = ();

    fn validate_into(&self, (): &(), parent: &mut dyn FnMut() -> Path, report: &mut Report) {
        for level in Level::ALL {
            let directives = self.of(level);
            let at = parent().join(level.number().to_string());
            if directives.len() > MOST_DIRECTIVES {
                report.append(at, garde::Error::new(format!("more than {MOST_DIRECTIVES} directives")));
                continue;
            }
            for (index, directive) in directives.iter().enumerate() {
                if let Err(error) = text(directive, LONGEST_DIRECTIVE) {
                    report.append(at.join(index), error);
                }
            }
        }
    }
}

/// A text that says something, in at most `longest` characters.
pub fn text(text: &str, longest: usize) -> garde::Result {
    if text.trim().is_empty() {
        return Err(garde::Error::new("says nothing"));
    }
    if text.chars().count() > longest {
        return Err(garde::Error::new(format!("longer than {longest} characters")));
    }
    Ok(())
}

/// Where a browser may get a picture: nothing that it would run.
pub fn picture_address(address: &str) -> garde::Result {
    text(address, LONGEST_PICTURE)?;
    let local = address.starts_with('/') && !address.starts_with("//");
    let remote = ["https://", "http://"].iter().any(|scheme| address.starts_with(scheme));
    if local || remote { Ok(()) } else { Err(garde::Error::new("neither an http(s) address nor a path")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(directives: &Directives) -> Vec<String> {
        let Err(report) = directives.validate() else { return Vec::new() };
        report.iter().map(|(path, error)| format!("{path}: {error}")).collect()
    }

    #[test]
    fn directives_have_bounds_and_are_named_as_on_the_wire() {
        let fine = Directives {
            formal: vec!["존댓말을 쓴다.".to_owned(); MOST_DIRECTIVES],
            polite: vec!["가".repeat(LONGEST_DIRECTIVE)],
            casual: Vec::new(),
        };
        assert_eq!(broken(&fine), [""; 0]);
        let wrong = Directives {
            formal: vec!["x".to_owned(); MOST_DIRECTIVES + 1],
            polite: vec!["x".to_owned(), " ".to_owned()],
            casual: vec!["가".repeat(LONGEST_DIRECTIVE + 1)],
        };
        let expected =
            ["1: more than 20 directives", "2[1]: says nothing", "3[0]: longer than 500 characters"];
        assert_eq!(broken(&wrong), expected);
    }

    #[test]
    fn only_known_levels_can_be_told_something() {
        let parse = serde_json::from_str::<Directives>;
        let some = parse(r#"{"2": ["a"]}"#).unwrap();
        assert_eq!((some.of(Level::Polite), some.of(Level::Casual)), (&["a".to_owned()][..], &[][..]));
        assert!(parse(r#"{"4": []}"#).is_err());
        assert_eq!(serde_json::to_string(&some).unwrap(), r#"{"1":[],"2":["a"],"3":[]}"#);
    }

    #[test]
    fn a_picture_is_an_address_that_a_browser_does_not_run() {
        for (address, fine) in [
            ("https://cdn.example.com/a.png", true),
            ("/pictures/friend.png", true),
            ("//evil.example.com/a.png", false),
            ("javascript:alert(1)", false),
            ("data:image/svg+xml,<svg/>", false),
            ("", false),
        ] {
            assert_eq!(picture_address(address).is_ok(), fine, "{address}");
        }
    }
}
