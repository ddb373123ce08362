//! What is said when learners' words can be read on their way to somebody else's system.

use chassis::outside::is_readable_on_its_way;
use reqwest::Url;
use tracing::warn;

/// Says at the start that learners' words, and the key if there is one, go over the network as plain text.
pub(crate) fn warn(variable: &'static str, url: &Url) {
    if is_readable_on_its_way(url) {
        warn!("learners' words and the key go over the network as plain text: {variable} is not https");
    }
}
