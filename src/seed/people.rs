//! Learners: one person in every database that knows them.

use uuid::Uuid;

use super::copy::{Rows, Value};
use super::names::{FAMILY, GIVEN};
use super::number::{DAY, EPOCH, Kind, SECOND, Stream, Time, id};

/// New learners come every ten seconds, so a larger load continues a smaller one and ids grow with time.
const BETWEEN_USERS: u64 = 10 * SECOND;

/// An account with its profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    pub id: Uuid,
    pub email: String,
    pub first_name: &'static str,
    pub last_name: &'static str,
    pub role: &'static str,
    pub knows_coach: bool,
    pub created_at: Time,
}

/// The `index`-th learner of a load.
pub(super) fn learner(number: u64, index: u64) -> Person {
    let mut stream = Stream::of(number, Kind::Profile, index);
    let created_at = joined(index);
    let (family, given) = (stream.pick(FAMILY), stream.pick(GIVEN));
    Person {
        id: learner_id(number, index),
        email: format!("{}.{}.{index}@seed{number}.dorandoran.dev", given.1, family.1),
        first_name: given.0,
        last_name: family.0,
        role: "ROLE_USER",
        knows_coach: stream.chance(70),
        created_at,
    }
}

/// The id alone, for those who only refer to the learner.
pub(super) fn learner_id(number: u64, index: u64) -> Uuid {
    id(number, Kind::User, index, joined(index))
}

pub(super) fn joined(index: u64) -> Time {
    EPOCH.after(index * BETWEEN_USERS)
}

impl Person {
    /// As Koreans write it.
    fn name(&self) -> String {
        format!("{}{}", self.last_name, self.first_name)
    }

    pub(super) fn auth_user(&self, password_hash: &str, rows: &mut Rows) {
        rows.push(&[
            Value::Uuid(self.id),
            Value::Text(&self.email),
            Value::Text(password_hash),
            Value::Text(&self.name()),
            Value::Text(self.role),
            Value::Int8(1),
            Value::Time(self.created_at),
            Value::Time(self.created_at),
        ]);
    }

    pub(super) fn user_profile(&self, rows: &mut Rows) {
        rows.push(&[
            Value::Uuid(self.id),
            Value::Text(&self.email),
            Value::Text(self.first_name),
            Value::Text(self.last_name),
            Value::Text(&self.name()),
            Value::Text("한국어를 배우고 있어요"),
            Value::Bool(self.knows_coach),
            Value::Bool(false),
            // Nobody has left an account that is put in with an old date.
            Value::Time(Time::now()),
            Value::Time(self.created_at),
            Value::Time(self.created_at),
        ]);
    }

    pub(super) fn user_role(&self, rows: &mut Rows) {
        rows.push(&[Value::Uuid(self.id), Value::Text(self.role), Value::Time(self.created_at)]);
    }

    pub(super) fn preference(&self, key: &str, value: &str, rows: &mut Rows) {
        rows.push(&[
            Value::Uuid(self.id),
            Value::Text(key),
            Value::Jsonb(value),
            Value::Time(self.created_at),
        ]);
    }
}

/// Two settings that every learner has.
pub(super) fn preferences(number: u64, index: u64, rows: &mut Rows) {
    let person = learner(number, index);
    let mut stream = Stream::of(number, Kind::Preference, index);
    person.preference("language", stream.pick::<&str>(&[r#""ko""#, r#""en""#]), rows);
    person.preference("dailyGoal", stream.pick::<&str>(&["5", "10", "20", "30"]), rows);
}

/// The last moment that anything of a learner can happen: rooms open within a month and last a day.
pub(super) fn last_activity(index: u64) -> Time {
    joined(index).after(32 * DAY)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn addresses_are_unique_and_lower_case() {
        let mut seen = BTreeSet::new();
        for index in 0..5_000 {
            let person = learner(3, index);
            assert_eq!(person.email, person.email.to_lowercase());
            assert!(seen.insert(person.email));
        }
    }

    #[test]
    fn a_learner_follows_from_number_and_index_alone() {
        assert_eq!(learner(1, 42), learner(1, 42));
        assert_ne!(learner(1, 42).id, learner(2, 42).id);
        assert_eq!(learner(1, 42).id, learner_id(1, 42));
    }
}
