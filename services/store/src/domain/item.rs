//! What an item of the catalogue may be.

use contract::store::ItemStatus;

use super::violation::Violation;

const LONGEST_NAME: usize = 200;
const LONGEST_DESCRIPTION: usize = 5000;
const LONGEST_CATEGORY: usize = 50;
const LONGEST_SKU: usize = 40;
const LONGEST_ADDRESS: usize = 500;
const LONGEST_REASON: usize = 500;
/// Far from where an order's total would overflow.
pub const MAX_PRICE: i64 = 1_000_000_000_000;
/// Pieces that one adjustment may add or take.
pub const MAX_DELTA: i64 = 1_000_000;

/// All that an administrator decides of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    pub sku: String,
    pub name: String,
    pub description: String,
    pub category: String,
    /// In minor units of the currency.
    pub price: i64,
    pub currency: String,
    pub status: ItemStatus,
    pub image_url: Option<String>,
}

/// What is to be otherwise; the rest stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    pub sku: Option<String>,
    pub name: Option<String>,
    pub description: Option<String>,
    pub category: Option<String>,
    pub price: Option<i64>,
    pub currency: Option<String>,
    pub status: Option<ItemStatus>,
    /// `Some(None)` takes the picture away.
    pub image_url: Option<Option<String>>,
}

impl Content {
    /// The content as it is stored: names and categories without space around them.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn checked(self) -> Result<Self, Vec<Violation>> {
        let content =
            Self { name: self.name.trim().to_owned(), category: self.category.trim().to_owned(), ..self };
        let wrong = content.violations();
        if wrong.is_empty() { Ok(content) } else { Err(wrong) }
    }

    /// This, but for what `change` says.
    #[must_use]
    pub fn with(self, change: Change) -> Self {
        Self {
            sku: change.sku.unwrap_or(self.sku),
            name: change.name.unwrap_or(self.name),
            description: change.description.unwrap_or(self.description),
            category: change.category.unwrap_or(self.category),
            price: change.price.unwrap_or(self.price),
            currency: change.currency.unwrap_or(self.currency),
            status: change.status.unwrap_or(self.status),
            image_url: change.image_url.unwrap_or(self.image_url),
        }
    }

    /// Names of the fields in which the two differ, for the log.
    pub fn differences(&self, other: &Self) -> String {
        let fields = [
            ("sku", self.sku != other.sku),
            ("name", self.name != other.name),
            ("description", self.description != other.description),
            ("category", self.category != other.category),
            ("price", self.price != other.price),
            ("currency", self.currency != other.currency),
            ("status", self.status != other.status),
            ("imageUrl", self.image_url != other.image_url),
        ];
        let names: Vec<_> =
            fields.into_iter().filter_map(|(name, differs)| differs.then_some(name)).collect();
        names.join(",")
    }

    fn violations(&self) -> Vec<Violation> {
        let rules = [
            (is_sku(&self.sku), SKU),
            (is_line(&self.name, LONGEST_NAME), NAME),
            (is_text(&self.description, LONGEST_DESCRIPTION), DESCRIPTION),
            (is_line(&self.category, LONGEST_CATEGORY), CATEGORY),
            ((0..=MAX_PRICE).contains(&self.price), PRICE),
            (is_currency(&self.currency), CURRENCY),
            (self.image_url.as_deref().is_none_or(is_picture_address), IMAGE_URL),
        ];
        rules.into_iter().filter(|(kept, _)| !kept).map(|(_, violation)| violation).collect()
    }
}

/// How many pieces come in or go, and why.
///
/// # Errors
/// Everything that is wrong with it.
pub fn adjustment(delta: i64, reason: &str) -> Result<&str, Vec<Violation>> {
    let reason = reason.trim();
    let rules = [
        (delta != 0 && (-MAX_DELTA..=MAX_DELTA).contains(&delta), DELTA),
        (is_line(reason, LONGEST_REASON), REASON),
    ];
    let wrong: Vec<_> = rules.into_iter().filter(|(kept, _)| !kept).map(|(_, violation)| violation).collect();
    if wrong.is_empty() { Ok(reason) } else { Err(wrong) }
}

const SKU: Violation = Violation::new(
    "sku",
    "대문자 영문, 숫자, 하이픈으로 이루어진 2~40자여야 하며 하이픈으로 시작할 수 없습니다.",
    "It has 2 to 40 capital letters, digits and hyphens, and does not begin with a hyphen.",
);
const NAME: Violation = Violation::new(
    "name",
    "이름은 1자 이상 200자 이하의 한 줄이어야 합니다.",
    "The name is a line of 1 to 200 characters.",
);
const DESCRIPTION: Violation = Violation::new(
    "description",
    "설명은 제어 문자가 없는 5000자 이하여야 합니다.",
    "The description has at most 5000 characters, and no control characters.",
);
const CATEGORY: Violation = Violation::new(
    "category",
    "분류는 1자 이상 50자 이하의 한 줄이어야 합니다.",
    "The category is a line of 1 to 50 characters.",
);
const PRICE: Violation = Violation::new(
    "price",
    "가격은 0 이상 1,000,000,000,000 이하여야 합니다.",
    "The price lies between 0 and 1,000,000,000,000.",
);
const CURRENCY: Violation = Violation::new(
    "currency",
    "통화는 KRW와 같은 대문자 세 글자여야 합니다.",
    "The currency has three capital letters, like KRW.",
);
const IMAGE_URL: Violation = Violation::new(
    "imageUrl",
    "https 주소 또는 /로 시작하는 경로여야 하며 500자 이하여야 합니다.",
    "An https address or a path that begins with one slash, of at most 500 characters.",
);
const DELTA: Violation = Violation::new(
    "delta",
    "0이 아니며 -1,000,000 이상 1,000,000 이하여야 합니다.",
    "It is not 0 and lies between -1,000,000 and 1,000,000.",
);
const REASON: Violation = Violation::new(
    "reason",
    "사유는 1자 이상 500자 이하의 한 줄이어야 합니다.",
    "The reason is a line of 1 to 500 characters.",
);

fn is_sku(text: &str) -> bool {
    (2..=LONGEST_SKU).contains(&text.len())
        && !text.starts_with('-')
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-')
}

fn is_currency(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Says something, in one line.
fn is_line(text: &str, longest: usize) -> bool {
    !text.is_empty() && text.chars().count() <= longest && !text.chars().any(char::is_control)
}

fn is_text(text: &str, longest: usize) -> bool {
    text.chars().count() <= longest
        && !text.chars().any(|character| character.is_control() && !matches!(character, '\n' | '\r' | '\t'))
}

/// Where a browser gets a picture: from where the page is, or by https. Nothing that it would run, nothing that it
/// reads otherwise than it looks (`//host`, `/\host`, `https://known@host`).
fn is_picture_address(address: &str) -> bool {
    let plain = |character: char| !character.is_control() && !character.is_whitespace() && character != '\\';
    if address.chars().count() > LONGEST_ADDRESS || !address.chars().all(plain) {
        return false;
    }
    match address.strip_prefix("https://") {
        Some(rest) => is_authority(rest.split(['/', '?', '#']).next().unwrap_or_default()),
        None => address.starts_with('/') && !address.starts_with("//"),
    }
}

/// A host's name, and maybe a port.
fn is_authority(text: &str) -> bool {
    let (host, port) = text.split_once(':').unwrap_or((text, "443"));
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    host.split('.').all(label) && port.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content() -> Content {
        Content {
            sku: "NOTE-1".to_owned(),
            name: " 한지 공책 ".to_owned(),
            description: "줄이\n여럿\t이다".to_owned(),
            category: "문구".to_owned(),
            price: 12_000,
            currency: "KRW".to_owned(),
            status: ItemStatus::Active,
            image_url: None,
        }
    }

    fn wrong(content: Content) -> Vec<&'static str> {
        content.checked().err().unwrap_or_default().iter().map(|violation| violation.field).collect()
    }

    #[test]
    fn space_around_names_is_dropped() {
        let kept = content().checked().unwrap();
        assert_eq!((kept.name.as_str(), kept.description.as_str()), ("한지 공책", "줄이\n여럿\t이다"));
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let broken = Content {
            sku: "note".to_owned(),
            name: " \u{3000} ".to_owned(),
            description: "nul\0".to_owned(),
            category: "가".repeat(51),
            price: -1,
            currency: "won".to_owned(),
            status: ItemStatus::Active,
            image_url: Some("http://cdn.example.com/a.png".to_owned()),
        };
        let fields = ["sku", "name", "description", "category", "price", "currency", "imageUrl"];
        assert_eq!(wrong(broken), fields);
    }

    #[test]
    fn bounds_are_in_characters() {
        let long = |name: usize| Content { name: "가".repeat(name), ..content() };
        assert_eq!(wrong(long(200)), [""; 0]);
        assert_eq!(wrong(long(201)), ["name"]);
        assert_eq!(wrong(Content { price: MAX_PRICE + 1, ..content() }), ["price"]);
        assert_eq!(wrong(Content { sku: "A".to_owned(), ..content() }), ["sku"]);
        assert_eq!(wrong(Content { sku: "-A".to_owned(), ..content() }), ["sku"]);
        assert_eq!(wrong(Content { name: "두\n줄".to_owned(), ..content() }), ["name"]);
    }

    #[test]
    fn a_change_leaves_what_it_does_not_name() {
        let with_picture = Content { image_url: Some("/a.png".to_owned()), ..content() };
        assert_eq!(with_picture.clone().with(Change::default()), with_picture);
        let change = Change { price: Some(1), image_url: Some(None), ..Change::default() };
        let changed = with_picture.clone().with(change);
        assert_eq!(changed, Content { price: 1, ..content() });
        assert_eq!(with_picture.differences(&changed), "price,imageUrl");
    }

    #[test]
    fn a_picture_comes_by_https_or_from_where_the_page_is() {
        for (address, fine) in [
            ("https://cdn.example.com/a.png", true),
            ("https://cdn.example.com:8443/a.png?w=1#x", true),
            ("https://cdn.example.com", true),
            ("/pictures/책.png", true),
            ("/", true),
            ("http://cdn.example.com/a.png", false),
            ("//evil.example.com/a.png", false),
            ("/\\evil.example.com/a.png", false),
            ("/\t/evil.example.com", false),
            ("https://", false),
            ("https:///a.png", false),
            ("https://known.example.com@evil.example.com/a.png", false),
            ("https://host:0/", false),
            ("https://host:x/", false),
            ("https://-host/", false),
            ("https://a..b/", false),
            ("HTTPS://cdn.example.com/a.png", false),
            ("javascript:alert(1)", false),
            ("data:image/svg+xml,<svg/>", false),
            ("pictures/a.png", false),
            ("", false),
        ] {
            assert_eq!(is_picture_address(address), fine, "{address}");
        }
        assert!(!is_picture_address(&format!("/{}", "a".repeat(500))));
    }

    #[test]
    fn an_adjustment_moves_something_and_says_why() {
        assert_eq!(adjustment(-3, " 파손 ").unwrap(), "파손");
        for (delta, reason, fields) in [
            (0, "파손", &["delta"][..]),
            (i64::MIN + 1, " ", &["delta", "reason"]),
            (MAX_DELTA + 1, "\0", &["delta", "reason"]),
        ] {
            let wrong: Vec<_> =
                adjustment(delta, reason).unwrap_err().iter().map(|violation| violation.field).collect();
            assert_eq!(wrong, fields);
        }
    }
}
