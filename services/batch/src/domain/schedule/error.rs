//! What can be wrong with a schedule, in words for whoever wrote it.

use contract::text::Text;
use thiserror::Error;

/// Why there is no such schedule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ScheduleError {
    #[error("a schedule has five fields, or six with seconds first, and not {0}")]
    Fields(usize),
    #[error("`{text}` is no {field}: {reason}")]
    Field { field: Field, text: String, reason: String },
    /// The fields are good each by itself.
    #[error("{0}")]
    Together(String),
    #[error("`{0}` is no time zone")]
    Zone(String),
    #[error("no time fits")]
    Never,
}

/// A field of a cron expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Second,
    Minute,
    Hour,
    DayOfMonth,
    Month,
    DayOfWeek,
}

impl Field {
    pub(super) const ALL: [Self; 6] =
        [Self::Second, Self::Minute, Self::Hour, Self::DayOfMonth, Self::Month, Self::DayOfWeek];

    const fn text(self) -> Text {
        match self {
            Self::Second => Text::new("초", "second"),
            Self::Minute => Text::new("분", "minute"),
            Self::Hour => Text::new("시", "hour"),
            Self::DayOfMonth => Text::new("일", "day of month"),
            Self::Month => Text::new("월", "month"),
            Self::DayOfWeek => Text::new("요일", "day of week"),
        }
    }
}

impl std::fmt::Display for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text().en)
    }
}

impl ScheduleError {
    /// The key of a request that is to blame.
    pub const fn key(&self) -> &'static str {
        match self {
            Self::Fields(_) | Self::Field { .. } | Self::Together(_) | Self::Never => "cron",
            Self::Zone(_) => "zone",
        }
    }

    /// For whoever wrote it. The reason is the parser's, and English.
    pub fn text(&self) -> Text {
        match self {
            Self::Fields(count) => Text::owned(
                format!("다섯 필드, 또는 초를 앞에 둔 여섯 필드여야 합니다(입력: {count}개)."),
                format!("There must be five fields, or six with seconds first, and there are {count}."),
            ),
            Self::Field { field, text, reason } => Text::owned(
                format!("{} 필드 `{text}`이(가) 올바르지 않습니다: {reason}", field.text().ko),
                format!("`{text}` is not valid as {field}: {reason}"),
            ),
            Self::Together(reason) => {
                Text::owned(format!("올바르지 않습니다: {reason}"), format!("This is not valid: {reason}"))
            }
            Self::Zone(name) => Text::owned(
                format!("`{name}`은(는) IANA 시간대 이름이 아닙니다(예: Asia/Seoul)."),
                format!("`{name}` is not the name of an IANA time zone, e.g. Asia/Seoul."),
            ),
            Self::Never => {
                Text::new("이 일정에 해당하는 시각이 없습니다.", "This schedule has no time at all.")
            }
        }
    }
}
