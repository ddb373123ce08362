//! Why the tutor answers by its rules alone although there is a model, in one sentence to the learner. Pure.

use contract::chat::Level;

use super::{Answer, Question, tutored};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notice {
    /// The turns of the day are used.
    Day,
    /// The tokens of the month are used.
    Month,
}

impl Notice {
    /// The tutor's answer, with the reason behind its reply.
    pub(super) fn answer(self, question: &Question) -> Answer {
        let answer = tutored(question);
        let reply = format!("{}\n\n{}", answer.reply, self.sentence(question.level));
        Answer { reply, ..answer }
    }

    const fn sentence(self, level: Level) -> &'static str {
        match (self, level) {
            (Self::Day, Level::Formal) => {
                "오늘 나눌 수 있는 대화를 모두 하셔서 지금은 간단하게만 답해 드립니다."
            }
            (Self::Day, Level::Polite) => "오늘 나눌 수 있는 대화를 모두 해서 지금은 간단하게만 답해요.",
            (Self::Day, Level::Casual) => "오늘 나눌 수 있는 대화를 다 해서 지금은 간단하게만 답할게.",
            (Self::Month, Level::Formal) => {
                "이번 달에 나눌 수 있는 대화를 모두 하셔서 지금은 간단하게만 답해 드립니다."
            }
            (Self::Month, Level::Polite) => {
                "이번 달에 나눌 수 있는 대화를 모두 해서 지금은 간단하게만 답해요."
            }
            (Self::Month, Level::Casual) => "이번 달에 나눌 수 있는 대화를 다 해서 지금은 간단하게만 답할게.",
        }
    }
}
