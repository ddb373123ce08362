//! Writes the JSON Schema of every event type to `schemas/`. To be run after the data of an event changed; a
//! test says when.

use std::fs;
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    for event in contract::schema::events() {
        let text = serde_json::to_string_pretty(&event.data)?;
        fs::write(directory.join(format!("{}.json", event.kind)), text + "\n")?;
    }
    Ok(())
}
