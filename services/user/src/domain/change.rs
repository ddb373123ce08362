//! What a change of a profile does: which columns move, and which events tell of it.

use contract::user::{Role, UserStatus, event};

use super::email::Email;
use super::sign_up::{LONGEST_INFO, LONGEST_NAME, LONGEST_PICTURE};
use super::violation::{Rule, Violation};

/// The part of a profile that can be changed here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    pub email: String,
    pub first_name: String,
    pub last_name: String,
    pub name: String,
    pub picture: Option<String>,
    pub info: Option<String>,
    pub coach_check: bool,
    pub exit_modal_do_not_show_again: bool,
    pub status: UserStatus,
    pub role: Role,
    pub version: i64,
    /// Nothing is left of who the user was, and nothing comes back.
    pub pseudonymised: bool,
}

/// What somebody asks to change; `None` leaves as it is.
#[derive(Debug, Default, Clone)]
pub struct Request<'a> {
    pub email: Option<&'a str>,
    pub first_name: Option<&'a str>,
    pub last_name: Option<&'a str>,
    pub name: Option<&'a str>,
    pub picture: Option<&'a str>,
    pub info: Option<&'a str>,
    pub coach_check: Option<bool>,
    pub exit_modal_do_not_show_again: Option<bool>,
    pub status: Option<UserStatus>,
    pub role: Option<Role>,
    /// The versions that `If-Match` names; `None` without the header or with `*`.
    pub if_versions: Option<Vec<i64>>,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authority {
    Owner,
    Admin,
}

/// Why a change is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("only administrators change a role or a status")]
    AdminsOnly,
    /// Auth logs in by its own copy of the address, so both must change together.
    #[error("an e-mail address cannot be changed yet")]
    EmailIsFixed,
    #[error("the profile changed since it was read")]
    Stale,
    #[error("the account is withdrawn for good")]
    Withdrawn,
    #[error("some fields break a rule")]
    Invalid(Vec<Violation>),
}

/// The profile afterwards, and the types of the events to publish, one version each.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    pub profile: Profile,
    pub events: Vec<&'static str>,
}

/// Applies a request to a profile. A request that changes nothing publishes nothing and keeps the version.
pub fn apply(current: &Profile, request: &Request<'_>, by: Authority) -> Result<Outcome, Refusal> {
    if request.if_versions.as_ref().is_some_and(|versions| !versions.contains(&current.version)) {
        return Err(Refusal::Stale);
    }
    if current.pseudonymised {
        return Err(Refusal::Withdrawn);
    }
    let status = request.status.unwrap_or(current.status);
    let role = request.role.unwrap_or(current.role);
    if by != Authority::Admin && (status != current.status || role != current.role) {
        return Err(Refusal::AdminsOnly);
    }
    let mut profile = Profile { status, role, ..changed_fields(current, request)? };
    let events = events_between(current, &profile);
    profile.version += i64::try_from(events.len()).unwrap_or(i64::MAX);
    Ok(Outcome { profile, events })
}

fn changed_fields(current: &Profile, request: &Request<'_>) -> Result<Profile, Refusal> {
    let mut broken = Vec::new();
    if let Some(email) = request.email {
        match Email::parse(email) {
            Ok(email) if email.is_same(&current.email) => {}
            Ok(_) => return Err(Refusal::EmailIsFixed),
            Err(_) => broken.push(Violation::new("email", Rule::NotAnEmail)),
        }
    }
    let first_name = name("firstName", request.first_name, &current.first_name, &mut broken);
    let last_name = name("lastName", request.last_name, &current.last_name, &mut broken);
    let both = format!("{first_name} {last_name}");
    let given = request.name.map(|text| if text.trim().is_empty() { both.as_str() } else { text.trim() });
    if given.is_some_and(|text| text != both && text != current.name && text.chars().count() > LONGEST_NAME) {
        broken.push(Violation::new("name", Rule::TooLong(LONGEST_NAME)));
    }
    for (field, text, limit) in
        [("picture", request.picture, LONGEST_PICTURE), ("info", request.info, LONGEST_INFO)]
    {
        if text.is_some_and(|text| text.chars().count() > limit) {
            broken.push(Violation::new(field, Rule::TooLong(limit)));
        }
    }
    if !broken.is_empty() {
        return Err(Refusal::Invalid(broken));
    }
    Ok(Profile {
        name: given.unwrap_or(&current.name).to_owned(),
        first_name,
        last_name,
        picture: request.picture.map(str::to_owned).or_else(|| current.picture.clone()),
        info: request.info.map(str::to_owned).or_else(|| current.info.clone()),
        coach_check: request.coach_check.unwrap_or(current.coach_check),
        exit_modal_do_not_show_again: request
            .exit_modal_do_not_show_again
            .unwrap_or(current.exit_modal_do_not_show_again),
        ..current.clone()
    })
}

fn name(field: &'static str, text: Option<&str>, current: &str, broken: &mut Vec<Violation>) -> String {
    let Some(text) = text.map(str::trim) else {
        return current.to_owned();
    };
    if text.is_empty() {
        broken.push(Violation::new(field, Rule::Required));
    } else if text.chars().count() > LONGEST_NAME {
        broken.push(Violation::new(field, Rule::TooLong(LONGEST_NAME)));
    }
    text.to_owned()
}

/// Role and status have events of their own, because other services act on them.
fn events_between(before: &Profile, after: &Profile) -> Vec<&'static str> {
    let fields_differ = Profile { role: before.role, status: before.status, ..after.clone() } != *before;
    [
        (fields_differ, event::UPDATED),
        (before.status != after.status, event::STATUS_CHANGED),
        (before.role != after.role, event::ROLE_CHANGED),
    ]
    .into_iter()
    .filter_map(|(happened, kind)| happened.then_some(kind))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile() -> Profile {
        Profile {
            email: "Mina@example.com".into(),
            first_name: "미나".into(),
            last_name: "김".into(),
            name: "미나 김".into(),
            picture: None,
            info: Some("안녕".into()),
            coach_check: false,
            exit_modal_do_not_show_again: false,
            status: UserStatus::Active,
            role: Role::User,
            version: 3,
            pseudonymised: false,
        }
    }

    #[test]
    fn absent_fields_stay_as_they_are() {
        let outcome = apply(&profile(), &Request::default(), Authority::Owner).unwrap();
        assert_eq!(outcome, Outcome { profile: profile(), events: vec![] });
    }

    #[test]
    fn a_changed_field_makes_one_event_and_one_version() {
        let request = Request { coach_check: Some(true), info: Some(""), ..Request::default() };
        let outcome = apply(&profile(), &request, Authority::Owner).unwrap();
        assert_eq!(outcome.events, [event::UPDATED]);
        assert_eq!(
            outcome.profile,
            Profile { coach_check: true, info: Some(String::new()), version: 4, ..profile() }
        );
    }

    #[test]
    fn blank_name_becomes_both_names() {
        let request = Request { first_name: Some("민아"), name: Some(" "), ..Request::default() };
        assert_eq!(apply(&profile(), &request, Authority::Owner).unwrap().profile.name, "민아 김");
    }

    #[test]
    fn role_and_status_are_the_administrators() {
        let request =
            Request { role: Some(Role::Admin), status: Some(UserStatus::Suspended), ..Request::default() };
        assert_eq!(apply(&profile(), &request, Authority::Owner), Err(Refusal::AdminsOnly));
        let outcome = apply(&profile(), &request, Authority::Admin).unwrap();
        assert_eq!(outcome.events, [event::STATUS_CHANGED, event::ROLE_CHANGED]);
        assert_eq!(outcome.profile.version, 5);
    }

    #[test]
    fn an_owner_may_send_back_the_role_and_status_that_are() {
        let request =
            Request { role: Some(Role::User), status: Some(UserStatus::Active), ..Request::default() };
        assert!(apply(&profile(), &request, Authority::Owner).unwrap().events.is_empty());
    }

    #[test]
    fn the_same_address_in_any_case_is_no_change_and_another_is_refused() {
        for (email, expected) in [
            (" mina@EXAMPLE.com", Ok(())),
            ("new@example.com", Err(Refusal::EmailIsFixed)),
            ("nonsense", Err(Refusal::Invalid(vec![Violation::new("email", Rule::NotAnEmail)]))),
        ] {
            let request = Request { email: Some(email), ..Request::default() };
            assert_eq!(apply(&profile(), &request, Authority::Owner).map(|_| ()), expected, "{email}");
        }
    }

    #[test]
    fn a_stale_version_is_refused() {
        for (versions, stale) in
            [(None, false), (Some(vec![3]), false), (Some(vec![1, 3]), false), (Some(vec![2]), true)]
        {
            let request = Request { coach_check: Some(true), if_versions: versions, ..Request::default() };
            assert_eq!(apply(&profile(), &request, Authority::Owner) == Err(Refusal::Stale), stale);
        }
    }

    #[test]
    fn nobody_brings_a_pseudonymised_account_back() {
        let gone = Profile { status: UserStatus::Inactive, pseudonymised: true, ..profile() };
        let request = Request { status: Some(UserStatus::Active), ..Request::default() };
        assert_eq!(apply(&gone, &request, Authority::Admin), Err(Refusal::Withdrawn));
    }

    #[test]
    fn names_keep_their_rules() {
        let long = "가".repeat(51);
        let request =
            Request { first_name: Some(""), last_name: Some(&long), name: Some(&long), ..Request::default() };
        let expected = vec![
            Violation::new("firstName", Rule::Required),
            Violation::new("lastName", Rule::TooLong(50)),
            Violation::new("name", Rule::TooLong(50)),
        ];
        assert_eq!(apply(&profile(), &request, Authority::Owner), Err(Refusal::Invalid(expected)));
    }
}
