//! The file of a saved plan: written atomically, readable only by its owner, and validated on
//! reading.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use serde::Deserialize;

use super::{SAVED_VERSION, SavedPlan, hexadecimal};
use crate::{cli::failure::CliError, report::json};

/// Stands where the sum will be, while it is computed.
pub const NO_SUM: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// A plan with everything that there can be takes a twentieth of it.
pub const LARGEST: u64 = 4 << 20;

const BEFORE_SUM: &str = "\n  \"sha256\": \"";

/// Writes the whole file or nothing, readable for its owner only.
///
/// # Errors
/// If there is something at `path` that is not a saved plan, or it cannot be written.
pub fn write(path: &Path, plan: &SavedPlan) -> Result<(), CliError> {
    let failed = |error: io::Error| {
        CliError::failed(format!("cannot save the plan as {}", path.display())).because(&error)
    };
    let there = look(path)?;
    crate::host::private_file::write(path, text(plan).as_bytes(), there).map_err(failed)
}

/// Returns whether a saved plan, of any version, already exists: other files are not overwritten.
fn look(path: &Path) -> Result<bool, CliError> {
    let refused = |what: &str| {
        CliError::refused(format!("{} {what}; nothing was written", path.display()))
            .hint("choose another file")
    };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => {
            return Err(CliError::failed(format!("cannot read {}", path.display())).because(&error));
        }
        Ok(meta) if meta.is_dir() => return Err(refused("is a folder")),
        Ok(meta) if !meta.is_file() => return Err(refused("is not a regular file")),
        Ok(_) => {}
    }
    let ours = text_of(path)
        .ok()
        .and_then(|text| serde_json::from_str::<SavedPlanVersion>(&text).ok());
    ours.map(|_| true)
        .ok_or_else(|| refused("is not a saved plan"))
}

/// Reads a plan from a file, if this program wrote it and it is unchanged.
///
/// # Errors
/// If it cannot be read (1), or is not such a plan (3).
pub fn read(path: &Path) -> Result<SavedPlan, CliError> {
    let refused =
        |what: String| CliError::refused(format!("{} {what}; nothing was changed", path.display()));
    let again = "make a new plan with `tfbackend plan --out`";
    let text = text_of(path).map_err(|error| match error {
        SavedPlanError::Io(error) => {
            CliError::failed(format!("cannot read {}", path.display())).because(&error)
        }
        SavedPlanError::Shape(what) => refused(what.to_owned()),
    })?;
    let Ok(SavedPlanVersion { saved_plan }) = serde_json::from_str(&text) else {
        return Err(refused("is not a saved plan, or is truncated".to_owned()).hint(again));
    };
    if saved_plan != SAVED_VERSION {
        let what = format!(
            "has version {saved_plan} of the format, and this is tfbackend {VERSION} with version \
             {SAVED_VERSION}"
        );
        return Err(
            refused(what).hint("apply it with the version that made it, or make a new plan")
        );
    }
    if !sum_is_right(&text) {
        return Err(refused("was changed after it was saved".to_owned()).hint(again));
    }
    serde_json::from_str(&text).map_err(|error| {
        refused("cannot be understood".to_owned())
            .because(&error)
            .hint(again)
    })
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The fields that every version of the file has.
#[derive(Deserialize)]
struct SavedPlanVersion {
    saved_plan: u32,
}

enum SavedPlanError {
    Io(io::Error),
    Shape(&'static str),
}

/// No more than a plan can be is read of whatever it is.
fn text_of(path: &Path) -> Result<String, SavedPlanError> {
    // A pipe would be waited for.
    if !fs::metadata(path).map_err(SavedPlanError::Io)?.is_file() {
        return Err(SavedPlanError::Shape("is not a regular file"));
    }
    let mut bytes = vec![];
    fs::File::open(path)
        .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
        .map_err(SavedPlanError::Io)?;
    if bytes.len() as u64 > LARGEST {
        return Err(SavedPlanError::Shape("is too large for a saved plan"));
    }
    String::from_utf8(bytes).map_err(|_| SavedPlanError::Shape("is not a saved plan"))
}

fn text(plan: &SavedPlan) -> String {
    let blank = json::pretty(&SavedPlan {
        sha256: NO_SUM.to_owned(),
        ..plan.clone()
    });
    let sum = hexadecimal(blank.as_bytes());
    blank.replacen(NO_SUM, &sum, 1)
}

/// The sum is of the text with zeros in its place.
fn sum_is_right(text: &str) -> bool {
    let Some(at) = text.find(BEFORE_SUM).map(|at| at + BEFORE_SUM.len()) else {
        return false;
    };
    let Some(sum) = text.get(at..at + NO_SUM.len()) else {
        return false;
    };
    let blank = [&text[..at], NO_SUM, &text[at + NO_SUM.len()..]].concat();
    hexadecimal(blank.as_bytes()) == sum
}
