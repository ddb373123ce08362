//! All of it, on one system: bringing one up takes longer than most of what is done with it.

use super::stack::Stack;
use super::{journey, kills, manual, owed, sending, socket};

#[tokio::test]
async fn learners_talk_with_their_tutors_over_three_instances() {
    let stack = Stack::up();
    journey::from_the_first_room_to_the_second(&stack).await;
    journey::mistakes_are_refused(&stack).await;
    manual::the_session_in_the_documentation_shows_a_turn(&stack);
    owed::a_stream_that_opens_late_gets_the_whole_turn(&stack).await;
    owed::history_brings_what_no_stream_did(&stack).await;
    owed::a_turn_that_was_cut_comes_again_as_a_whole(&stack).await;
    sending::two_messages_in_quick_succession_are_two_turns(&stack).await;
    sending::a_message_that_is_sent_again_is_stored_and_answered_once(&stack).await;
    socket::a_strangers_client_talks_over_a_websocket(&stack).await;
    kills::who_comes_back_after_a_kill_goes_on_where_it_was_cut(&stack).await;
    kills::streams_outlive_every_instance(&stack).await;
}
