//! What the store sells: the demo's catalogue, and as many variants of it as a load wants.

use super::copy::{Rows, Value};
use super::number::{EPOCH, Kind, SECOND, Stream, id};

/// An article of the demo's catalogue.
struct Article {
    code: &'static str,
    name: &'static str,
    description: &'static str,
    category: &'static str,
    /// In won.
    price: i64,
    stock: i64,
}

const fn article(
    code: &'static str,
    name: &'static str,
    description: &'static str,
    category: &'static str,
    price: i64,
    stock: i64,
) -> Article {
    Article { code, name, description, category, price, stock }
}

const ARTICLES: [Article; 12] = [
    article(
        "BOOK-GRAMMAR-1",
        "한국어 문법 첫걸음",
        "Korean grammar for beginners, with exercises",
        "book",
        18_000,
        120,
    ),
    article("BOOK-GRAMMAR-2", "한국어 문법 중급", "Grammar for the intermediate level", "book", 21_000, 80),
    article(
        "BOOK-STORIES",
        "짧은 이야기로 배우는 한국어",
        "Forty short stories with a glossary",
        "book",
        16_500,
        60,
    ),
    article("BOOK-TOPIK", "TOPIK II 실전 모의고사", "Ten mock exams with solutions", "book", 24_000, 150),
    article("CARD-HANGUL", "한글 낱말 카드", "200 cards to learn to read Hangul", "card", 12_000, 200),
    article("CARD-POLITE", "존댓말 연습 카드", "Cards for polite and casual speech", "card", 13_500, 90),
    article("NOTE-WRITING", "원고지 공책", "Squared paper to practise writing", "stationery", 4_500, 500),
    article("PEN-BRUSH", "캘리그래피 붓펜 세트", "Three brush pens for calligraphy", "stationery", 9_800, 75),
    article(
        "GAME-YUT",
        "윷놀이 세트",
        "The traditional board game, with rules in two languages",
        "game",
        22_000,
        40,
    ),
    article("GAME-WORDS", "끝말잇기 보드게임", "Word chains for two to six players", "game", 27_000, 35),
    article(
        "PASS-MONTH",
        "대화 이용권 1개월",
        "A month of unlimited talks with every bot",
        "pass",
        9_900,
        10_000,
    ),
    article(
        "PASS-YEAR",
        "대화 이용권 1년",
        "A year of unlimited talks with every bot",
        "pass",
        99_000,
        10_000,
    ),
];

/// How many articles the demo has.
pub(super) const DEMO_ITEMS: u64 = ARTICLES.len() as u64;

/// One item, either the demo's or a variant.
pub(super) struct Item {
    number: u64,
    index: u64,
    sku: String,
    name: String,
    price: i64,
    stock: i64,
    article: &'static Article,
}

/// The demo's `index`-th item.
pub(super) fn demo_item(index: u64) -> Item {
    let article = article_of(index);
    Item {
        number: 0,
        index,
        sku: article.code.to_owned(),
        name: article.name.to_owned(),
        price: article.price,
        stock: article.stock,
        article,
    }
}

/// A load's `index`-th item.
pub(super) fn variant(number: u64, index: u64) -> Item {
    let mut stream = Stream::of(number, Kind::Item, index);
    let article = article_of(stream.next());
    Item {
        number,
        index,
        sku: format!("S{number}-{index:06}"),
        name: format!("{} {index}", article.name),
        price: article.price + 500 * stream.within(0..=20).cast_signed(),
        stock: stream.within(0..=2_000).cast_signed(),
        article,
    }
}

fn article_of(index: u64) -> &'static Article {
    &ARTICLES[usize::try_from(index % DEMO_ITEMS).unwrap_or_default()]
}

impl Item {
    fn id(&self) -> uuid::Uuid {
        id(self.number, Kind::Item, self.index, EPOCH.after(self.index * SECOND))
    }

    fn created_at(&self) -> Value<'static> {
        Value::Time(EPOCH.after(self.index * SECOND))
    }

    pub(super) fn store_item(&self, rows: &mut Rows) {
        rows.push(&[
            Value::Uuid(self.id()),
            Value::Text(&self.sku),
            Value::Text(&self.name),
            Value::Text(self.article.description),
            Value::Text(self.article.category),
            Value::Int8(self.price),
            self.created_at(),
            self.created_at(),
        ]);
    }

    pub(super) fn stock(&self, rows: &mut Rows) {
        rows.push(&[
            Value::Uuid(self.id()),
            Value::Int8(self.stock),
            Value::Int8(self.stock),
            self.created_at(),
        ]);
    }

    pub(super) fn stock_ledger(&self, rows: &mut Rows) {
        rows.push(&[
            Value::Uuid(self.id()),
            Value::Text("ADJUST"),
            Value::Int8(self.stock),
            Value::Int8(self.stock),
            Value::Text("first delivery"),
            self.created_at(),
        ]);
    }
}
