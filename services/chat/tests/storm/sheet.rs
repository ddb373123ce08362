//! What streams brought under each number of a room: the first one writes it down, all others must agree.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::sync::Mutex;

use serde_json::Value;

#[derive(Debug, Default)]
pub(crate) struct Sheet {
    /// By sequence number, from 1.
    prints: Mutex<Vec<Option<u64>>>,
}

/// The whole message in one number. Keys are sorted, so how its JSON was written does not count.
pub(crate) fn print(message: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    message.to_string().hash(&mut hasher);
    hasher.finish()
}

impl Sheet {
    /// # Errors
    /// When another stream got something else under this number.
    pub(crate) fn compare(&self, seq: i64, message: &Value) -> Result<(), String> {
        let print = print(message);
        let index = usize::try_from(seq - 1).map_err(|_| format!("a message with the number {seq}"))?;
        let mut prints = self.prints.lock().unwrap();
        if prints.len() <= index {
            prints.resize(index + 1, None);
        }
        match prints[index] {
            None => prints[index] = Some(print),
            Some(known) if known == print => {}
            Some(_) => return Err(format!("streams got different messages {seq}, one of them {message}")),
        }
        Ok(())
    }

    /// Everything that was brought, by number.
    pub(crate) fn prints(&self) -> Vec<Option<u64>> {
        self.prints.lock().unwrap().clone()
    }
}
