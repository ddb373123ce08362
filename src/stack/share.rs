//! A share in percent, exact: what is left of it to one is the budget that rules compute with.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::decode::{Decode, Decoder};
use super::node::{Kind, Node, Value};

const WHOLE: u32 = 1_000_000;

/// Between 0 % and 100 %, both excluded; in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Share(u32);

impl Share {
    /// Reads a number of percent.
    ///
    /// # Errors
    /// With a sentence for the user.
    fn parse(text: &str) -> Result<Self, &'static str> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.chars().all(|c| c.is_ascii_digit());
        if whole.is_empty() || whole.len() > 9 || !digits(whole) || !digits(fraction) {
            return Err("expected a number of percent like 99.9");
        }
        if fraction.len() > 4 {
            return Err("more than four decimals: nothing that runs here is measured so finely");
        }
        let millionths: u64 = format!("{whole}{fraction:0<4}").parse().unwrap_or(u64::MAX);
        match u32::try_from(millionths) {
            Ok(0) => Err("an objective of 0 % asks for nothing"),
            Ok(millionths) if millionths < WHOLE => Ok(Self(millionths)),
            Ok(WHOLE) => Err("an objective of 100 % leaves no budget: no failure could ever be made good"),
            Ok(_) | Err(_) => Err("more than 100 %"),
        }
    }

    pub(crate) fn percent(self) -> f64 {
        f64::from(self.0) / 10_000.0
    }

    /// What may fail, of one: `0.001` for 99.9 %.
    pub(crate) fn budget(self) -> String {
        let digits = format!("{:06}", WHOLE - self.0);
        format!("0.{}", digits.trim_end_matches('0'))
    }

    /// Whether so many times the budget is still a share, of `tenths` in tenths.
    pub(crate) fn can_burn(self, tenths: u32) -> bool {
        u64::from(WHOLE - self.0) * u64::from(tenths) < u64::from(WHOLE) * 10
    }
}

/// In percent, as people write it.
impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.percent().fmt(f)
    }
}

impl Decode for Share {
    fn decode(node: &Node, cx: &mut Decoder) -> Option<Self> {
        let Value::Scalar(Kind::Number | Kind::Untyped, text) = &node.value else {
            cx.error(node, "expected a number of percent like 99.9", None);
            return None;
        };
        Self::parse(text).map_err(|problem| cx.error(node, problem, None)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_exact_and_leaves_a_budget() {
        for (text, shown, budget) in [
            ("99.9", "99.9", "0.001"),
            ("99", "99", "0.01"),
            ("99.9999", "99.9999", "0.000001"),
            ("50.0", "50", "0.5"),
            ("0.0001", "0.0001", "0.999999"),
        ] {
            let share = Share::parse(text).unwrap();
            assert_eq!((share.to_string().as_str(), share.budget().as_str()), (shown, budget), "{text}");
        }
        for wrong in ["0", "100", "100.1", "0.00", "99.99999", "-1", "1e1", ".5", "", "9999999999", "99,9"] {
            assert!(Share::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_cannot_burn_that_fast_is_known() {
        assert!(Share::parse("99.9").unwrap().can_burn(144));
        assert!(!Share::parse("90").unwrap().can_burn(144));
        assert!(Share::parse("90").unwrap().can_burn(60));
    }
}
