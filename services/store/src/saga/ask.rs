//! Asking the payment provider what a saga wants to know next.

use super::job::{Asked, Job};
use super::point::Point;
use crate::domain::saga::{Outcome, Question, question};
use crate::payment::{Authorisation, Change, Provider};

pub(super) async fn ask(provider: &Provider, job: &Job) -> Outcome {
    let question = match question(job.saga(), job.others) {
        Question::None(outcome) => return outcome,
        question => question,
    };
    // What costs nothing needs nobody.
    if job.charge.amount == 0 {
        return for_free(&question, job);
    }
    job.reached(Point::Send);
    match question {
        Question::None(outcome) => outcome,
        Question::Authorise => Outcome::Authorisation(authorise(provider, job).await),
        Question::Capture => Outcome::Change(provider.capture(&job.charge).await),
        Question::Void => {
            let key = job.id.to_string();
            Outcome::Change(provider.cancel(&job.charge, None, &key, "the order is cancelled").await)
        }
        Question::Refund => Outcome::Change(match &job.data.refund {
            Some(refund) => {
                let (amount, key) = (Some(refund.amount), refund.id.to_string());
                provider.cancel(&job.charge, amount, &key, &refund.reason).await
            }
            None => Change::Refused { code: "NO_REFUND".to_owned() },
        }),
    }
}

/// Whoever may have asked before looks first: a second attempt could be another one to the provider.
async fn authorise(provider: &Provider, job: &Job) -> Authorisation {
    if job.asked == Asked::Perhaps {
        match provider.find(&job.charge).await {
            Ok(Some(booked)) => return booked.authorisation(),
            Ok(None) => {}
            Err(unanswered) => return Authorisation::Unknown { reason: unanswered.to_string() },
        }
    }
    provider.authorise(&job.charge).await
}

fn for_free(question: &Question, job: &Job) -> Outcome {
    match question {
        Question::None(outcome) => outcome.clone(),
        Question::Authorise => {
            Outcome::Authorisation(Authorisation::Captured { reference: job.charge.payment.to_string() })
        }
        Question::Capture | Question::Void | Question::Refund => Outcome::Change(Change::Done),
    }
}
