//! The whole URL table.

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::handlers::{
    archive, bot, health, internal, maintenance, message, prompt, room, room_entry, room_list, socket,
    stream, ticket, usage,
};
use crate::state::AppState;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        // Open to anybody
        .routes(routes!(health::health))
        // Rooms, with an access token
        .routes(routes!(room_entry::enter, room_list::list))
        .routes(routes!(room_entry::enter_alias))
        .routes(routes!(room_list::all))
        .routes(routes!(room_list::last_interactions))
        .routes(routes!(room::get))
        .routes(routes!(room::change))
        .routes(routes!(room::set_intimacy))
        .routes(routes!(room::leave))
        // Messages
        .routes(routes!(message::list, message::send))
        // Streams
        .routes(routes!(stream::open))
        // The WebSocket, with an access token or a ticket for it
        .routes(routes!(ticket::issue))
        .routes(routes!(socket::open))
        // What the caller has used of the model
        .routes(routes!(usage::get_usage))
        // For administrators
        .routes(routes!(bot::list_bots))
        .routes(routes!(bot::get_bot, bot::put_bot))
        .routes(routes!(prompt::list_prompts, prompt::put_prompt))
        .routes(routes!(prompt::put_active))
        .routes(routes!(prompt::get_prompt))
        // With a service's token
        .routes(routes!(internal::get_room))
        .routes(routes!(maintenance::purge_rooms))
        .routes(routes!(maintenance::day_statistics))
        .routes(routes!(archive::list_partitions))
        .routes(routes!(archive::list_messages))
        .routes(routes!(archive::drop_partition))
}
