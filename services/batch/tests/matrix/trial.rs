//! The jobs that are proved.

use contract::batch::{ParameterType, ParameterValue};

use super::own;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Trial {
    Own,
    Archiving,
    Inactive,
    Tokens,
}

impl Trial {
    pub(crate) const ALL: [Self; 4] = [Self::Own, Self::Archiving, Self::Inactive, Self::Tokens];

    pub(crate) const fn job(self) -> &'static str {
        match self {
            Self::Own => own::NAME,
            Self::Archiving => "message-archiving",
            Self::Inactive => "inactive-user",
            Self::Tokens => "token-cleanup",
        }
    }

    /// The service that it works on.
    pub(crate) const fn service(self) -> Option<&'static str> {
        match self {
            Self::Own => None,
            Self::Archiving => Some("chat"),
            Self::Inactive => Some("user"),
            Self::Tokens => Some("auth"),
        }
    }

    /// With their defaults, as a trigger would complete them.
    pub(crate) fn parameters(self) -> Vec<ParameterValue> {
        let value = |name: &str, kind, value: &str| ParameterValue {
            name: name.to_owned(),
            kind,
            value: value.to_owned(),
            identifying: true,
        };
        let long = |name, number| value(name, ParameterType::Long, number);
        let mut values = match self {
            Self::Own => Vec::new(),
            Self::Archiving => vec![long("olderThanMonths", "12")],
            Self::Inactive => vec![long("inactiveDays", "90"), long("withdrawnYears", "2")],
            Self::Tokens => vec![long("keepDays", "30"), long("keepAuditDays", "730")],
        };
        values.push(value("run", ParameterType::String, "matrix"));
        values
    }
}
