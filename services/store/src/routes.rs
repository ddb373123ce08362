//! The whole URL table.

use axum::extract::DefaultBodyLimit;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use crate::handlers::{
    bookmark, bookmark_list, health, item, item_admin, maintenance, order, order_change, saga, saga_operator,
    stock, webhook,
};
use crate::state::AppState;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        // Open to anybody
        .routes(routes!(health::health))
        // The catalogue: open to read, for administrators to change
        .routes(routes!(item::list_items, item_admin::create_item))
        .routes(routes!(
            item::get_item,
            item_admin::put_item,
            item_admin::patch_item,
            item_admin::delete_item
        ))
        .routes(routes!(stock::adjust_stock))
        // Orders, with an access token
        .routes(routes!(order::place_order, order::list_orders))
        .routes(routes!(order::get_order))
        .routes(routes!(order::get_order_history))
        .routes(routes!(order_change::cancel_order))
        // Orders, for administrators
        .routes(routes!(order_change::refund_order))
        .routes(routes!(order_change::ship_order))
        .routes(routes!(order_change::deliver_order))
        // Sagas, for administrators
        .routes(routes!(saga::list_sagas))
        .routes(routes!(saga::retry_saga))
        .routes(routes!(saga::compensate_saga))
        .routes(routes!(saga::resolve_saga))
        // Bookmarks, with an access token
        .routes(routes!(bookmark::save, bookmark::delete_many, bookmark_list::list))
        .routes(routes!(bookmark_list::list_of_room))
        .routes(routes!(bookmark_list::list_behind))
        .routes(routes!(bookmark_list::list_page))
        .routes(routes!(bookmark_list::list_of_bot_type))
        .routes(routes!(bookmark_list::count))
        .routes(routes!(bookmark::delete))
        // The payment provider's webhooks, with its signature
        .routes(routes!(webhook::receive_webhook).layer(DefaultBodyLimit::max(webhook::BODY_LIMIT)))
        // With a service's token
        .routes(routes!(saga_operator::list_sagas_as_operator))
        .routes(routes!(saga_operator::retry_saga_as_operator))
        .routes(routes!(saga_operator::compensate_saga_as_operator))
        .routes(routes!(saga_operator::resolve_saga_as_operator))
        .routes(routes!(maintenance::expire_orders))
        .routes(routes!(maintenance::reconcile_payments))
        .routes(routes!(maintenance::day_statistics))
}
