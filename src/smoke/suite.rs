//! The scenarios that `doran smoke` runs when it is given none.

use super::parse::{ScenarioError, parse};
use super::scenario::ScenarioFile;

const FILES: [(&str, &str); 6] = [
    ("built-in health.yaml", include_str!("suite/health.yaml")),
    ("built-in journey.yaml", include_str!("suite/journey.yaml")),
    ("built-in chat.yaml", include_str!("suite/chat.yaml")),
    ("built-in store.yaml", include_str!("suite/store.yaml")),
    ("built-in batch.yaml", include_str!("suite/batch.yaml")),
    ("built-in protection.yaml", include_str!("suite/protection.yaml")),
];

/// # Errors
/// Never in a build whose tests pass.
pub(crate) fn built_in() -> Result<Vec<ScenarioFile>, ScenarioError> {
    FILES.iter().map(|(name, text)| parse(name, text)).collect()
}
