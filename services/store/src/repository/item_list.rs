//! Items by the page.

use chrono::DateTime;
use contract::id::ItemId;
use contract::store::Item;
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder};

use super::item::Record;
use crate::domain::listing::{Choice, Place, Sort, pattern};

#[derive(FromRow)]
struct Row {
    #[sqlx(flatten)]
    record: Record,
    available: i64,
}

/// Shorter words have no trigram.
const TRIGRAM: usize = 3;

/// At most `limit` items in the choice's order, those behind `after`.
pub async fn page(
    db: &mut PgConnection,
    choice: &Choice,
    after: Option<&(Place, ItemId)>,
    limit: i64,
) -> Result<Vec<Item>, sqlx::Error> {
    let order = match choice.sort {
        Sort::Newest => " order by i.created_at desc, i.id desc",
        Sort::PriceAsc => " order by i.price, i.id",
        Sort::PriceDesc => " order by i.price desc, i.id desc",
        Sort::Name => " order by i.name, i.id",
    };
    // The stock of what is on the page, not of all that was found.
    let mut query = QueryBuilder::new(
        "select
           i.id, i.sku, i.name, i.description, i.category, i.price, i.currency, i.status, i.image_url, i.version,
           i.created_at, i.updated_at, s.available
         from (
           select *
           from store_item i
           where i.status = '",
    );
    // In the text, or the indexes of what is for sale would not do for a plan that is kept.
    query.push(choice.status.as_str()).push("'");
    if let Some(category) = &choice.category {
        query.push(" and i.category = normalize(").push_bind(category).push(")");
    }
    if let Some(search) = &choice.search {
        find(&mut query, search);
    }
    if let Some((place, id)) = after {
        behind(&mut query, choice.sort, place, *id);
    }
    query.push(order).push(" limit ").push_bind(limit);
    query.push(") i join stock s on s.item_id = i.id").push(order);
    // How to search depends on what is searched for: planned anew each time.
    let rows: Vec<Row> = query.build_query_as().persistent(choice.search.is_none()).fetch_all(db).await?;
    Ok(rows.into_iter().map(|row| row.record.with_stock(row.available)).collect())
}

fn find(query: &mut QueryBuilder<Postgres>, search: &str) {
    query.push(" and i.search like lower(normalize(").push_bind(pattern(search)).push("))");
    if letters(search) < TRIGRAM {
        query.push(" and string_to_array(i.search, null) @> string_to_array(lower(normalize(");
        query.push_bind(search.to_owned()).push(")), null)");
    }
}

/// As many as there are when syllables that are written in parts are put together.
fn letters(search: &str) -> usize {
    let continues = |letter: &char| ('\u{1160}'..='\u{11ff}').contains(letter);
    search.chars().filter(|letter| !continues(letter)).count()
}

fn behind(query: &mut QueryBuilder<Postgres>, sort: Sort, place: &Place, id: ItemId) {
    query.push(match sort {
        Sort::Newest => " and (i.created_at, i.id) < (",
        Sort::PriceAsc => " and (i.price, i.id) > (",
        Sort::PriceDesc => " and (i.price, i.id) < (",
        Sort::Name => " and (i.name, i.id) > (",
    });
    match place {
        Place::Created(micros) => query.push_bind(DateTime::from_timestamp_micros(*micros)),
        Place::Price(price) => query.push_bind(*price),
        Place::Name(name) => query.push_bind(name.clone()),
    };
    query.push(", ").push_bind(id.as_uuid()).push(")");
}
