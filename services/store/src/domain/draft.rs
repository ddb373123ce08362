//! What an order is made of: names and prices as they are now, and what they come to.

use std::collections::HashMap;

use contract::id::ItemId;
use contract::store::OrderItem;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    pub item: ItemId,
    /// 1..=1000.
    pub quantity: i32,
}

/// An item that is for sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    pub id: ItemId,
    pub name: String,
    pub price: i64,
    pub currency: String,
    pub available: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// In the order of the lines.
    pub items: Vec<OrderItem>,
    pub total: i64,
    pub currency: String,
    pub supply: Supply,
}

/// What a look at the stock says, before anything is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Supply {
    Likely,
    /// There is too little of something.
    Short,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    #[error("the order has no items")]
    Empty,
    #[error("an item is not for sale")]
    NotForSale,
    #[error("the items are not of one currency")]
    Currencies,
    #[error("the total is too large")]
    TooLarge,
}

pub fn draft(lines: &[Line], offers: Vec<Offer>) -> Result<Draft, DraftError> {
    let offers: HashMap<_, _> = offers.into_iter().map(|offer| (offer.id, offer)).collect();
    let mut draft = Draft {
        items: Vec::with_capacity(lines.len()),
        total: 0,
        currency: String::new(),
        supply: Supply::Likely,
    };
    for line in lines {
        let offer = offers.get(&line.item).ok_or(DraftError::NotForSale)?;
        if draft.items.is_empty() {
            draft.currency.clone_from(&offer.currency);
        } else if draft.currency != offer.currency {
            return Err(DraftError::Currencies);
        }
        let price = offer.price.checked_mul(line.quantity.into());
        draft.total = price.and_then(|price| draft.total.checked_add(price)).ok_or(DraftError::TooLarge)?;
        if offer.available < line.quantity.into() {
            draft.supply = Supply::Short;
        }
        draft.items.push(OrderItem {
            item_id: offer.id,
            name: offer.name.clone(),
            unit_price: offer.price,
            quantity: line.quantity,
        });
    }
    if draft.items.is_empty() { Err(DraftError::Empty) } else { Ok(draft) }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn offer(id: u128, price: i64, currency: &str, available: i64) -> Offer {
        let id = Uuid::from_u128(id).into();
        Offer { id, name: "연필".to_owned(), price, currency: currency.to_owned(), available }
    }

    fn line(item: u128, quantity: i32) -> Line {
        Line { item: Uuid::from_u128(item).into(), quantity }
    }

    #[test]
    fn an_order_costs_what_its_items_cost_now_and_keeps_their_order() {
        let offers = vec![offer(1, 300, "KRW", 5), offer(2, 50, "KRW", 5)];
        let draft = draft(&[line(2, 2), line(1, 5)], offers).unwrap();
        assert_eq!((draft.total, &*draft.currency, draft.supply), (1600, "KRW", Supply::Likely));
        let lines: Vec<_> = draft.items.iter().map(|item| (item.unit_price, item.quantity)).collect();
        assert_eq!(lines, [(50, 2), (300, 5)]);
    }

    #[test]
    fn an_order_for_more_than_there_is_is_short() {
        let offers = vec![offer(1, 300, "KRW", 5), offer(2, 50, "KRW", 5)];
        assert_eq!(draft(&[line(1, 1), line(2, 6)], offers).unwrap().supply, Supply::Short);
    }

    #[test]
    fn what_cannot_be_an_order_is_refused() {
        let offers = || vec![offer(1, 300, "KRW", 5), offer(2, 50, "EUR", 5), offer(3, i64::MAX, "KRW", 5)];
        assert_eq!(draft(&[], offers()), Err(DraftError::Empty));
        assert_eq!(draft(&[line(1, 1), line(9, 1)], offers()), Err(DraftError::NotForSale));
        assert_eq!(draft(&[line(1, 1), line(2, 1)], offers()), Err(DraftError::Currencies));
        assert_eq!(draft(&[line(3, 2)], offers()), Err(DraftError::TooLarge));
        assert_eq!(draft(&[line(3, 1), line(1, 1)], offers()), Err(DraftError::TooLarge));
    }
}
