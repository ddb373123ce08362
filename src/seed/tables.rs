//! The tables that seeds fill, with the columns in the order in which rows are generated.

/// Where rows go.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Table {
    /// Quoted where SQL needs it.
    pub name: &'static str,
    pub columns: &'static str,
    /// The column and table of its foreign key: rows whose parent was not taken in are left out too.
    pub parent: Option<(&'static str, &'static str)>,
}

pub(super) const AUTH_USER: Table = Table {
    name: "auth_user",
    columns: "id, email, password_hash, name, role, profile_version, created_at, updated_at",
    parent: None,
};

pub(super) const USER_PROFILE: Table = Table {
    name: "user_profile",
    columns: "id, email, first_name, last_name, name, info, coach_check, exit_modal_do_not_show_again, \
              last_conn_time, created_at, updated_at",
    parent: None,
};

pub(super) const USER_ROLE: Table = Table {
    name: "user_role",
    columns: "user_id, role, granted_at",
    parent: Some(("user_id", "user_profile")),
};

pub(super) const PREFERENCE: Table = Table {
    name: "preference",
    columns: "user_id, key, value, updated_at",
    parent: Some(("user_id", "user_profile")),
};

pub(super) const CHATBOT: Table = Table {
    name: "chatbot",
    columns: "id, name, bot_type, concept, description, created_at, updated_at",
    parent: None,
};

pub(super) const CHATBOT_PROMPT: Table = Table {
    name: "chatbot_prompt",
    columns: "chatbot_id, version, system_prompt, note, created_at",
    parent: Some(("chatbot_id", "chatbot")),
};

pub(super) const PROMPT_IN_USE: Table = Table {
    name: "prompt_in_use",
    columns: "chatbot_id, agent, version, updated_at",
    parent: Some(("chatbot_id", "chatbot")),
};

pub(super) const CHAT_ROOM: Table = Table {
    name: "chat_room",
    columns: "id, user_id, chatbot_id, name, concept, intimacy_level, last_seq, last_message_id, \
              last_message_at, last_user_message_at, active_at, created_at, updated_at",
    parent: Some(("chatbot_id", "chatbot")),
};

pub(super) const MESSAGE: Table = Table {
    name: "message",
    columns: "room_id, seq, id, sender_type, sender_id, content, content_type, metadata, created_at",
    parent: Some(("room_id", "chat_room")),
};

pub(super) const INTIMACY_PROGRESS: Table = Table {
    name: "intimacy_progress",
    columns: "user_id, chatbot_id, room_id, intimacy_level, analysed, corrected, created_at, updated_at",
    parent: Some(("room_id", "chat_room")),
};

pub(super) const STORE_ITEM: Table = Table {
    name: "store_item",
    columns: "id, sku, name, description, category, price, created_at, updated_at",
    parent: None,
};

pub(super) const STOCK: Table = Table {
    name: "stock",
    columns: "item_id, initial, available, updated_at",
    parent: Some(("item_id", "store_item")),
};

pub(super) const STOCK_LEDGER: Table = Table {
    name: "stock_ledger",
    columns: "item_id, kind, initial_delta, available_delta, reason, created_at",
    parent: Some(("item_id", "store_item")),
};

pub(super) const BOOKMARK: Table = Table {
    name: "bookmark",
    columns: "id, user_id, message_id, chatroom_id, chatroom_name, chatbot_id, bot_type, content, \
              corrected_content, ai_response, created_at",
    parent: None,
};
