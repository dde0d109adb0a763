//! Plans in files: saved with `plan --out`, carried out with `bootstrap FILE`, or refused.

mod carry_out;
mod file;
mod refused;
mod since;

use std::{fs, path::Path};

use sha2::{Digest, Sha256};
use tfbackend::cli::saved::file::NO_SUM;

/// The smallest backend: one bucket and its parts.
const SMALL: &str = "--project acme --region eu-west-1 --lock s3 --encryption sse-s3 --trail off \
                     --alarms=false --policy=false --access-logs=false";

/// Changes a saved plan, and its sum with it, as somebody would who means to deceive.
fn forge(path: &Path, change: impl FnOnce(&str) -> String) {
    let text = fs::read_to_string(path).expect("a plan");
    let at = text.find("\"sha256\": \"").expect("a sum") + "\"sha256\": \"".len();
    let changed = change(&text);
    assert_ne!(changed, text, "something is changed");
    let blank = [&changed[..at], NO_SUM, &changed[at + NO_SUM.len()..]].concat();
    let sum: String = Sha256::digest(&blank)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    fs::write(path, blank.replacen(NO_SUM, &sum, 1)).expect("written");
}
