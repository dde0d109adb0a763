//! Progress as JSON: each event as a document on a line of its own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::engine::{event::ApplyEvent, spec::Address};

/// A line of output. `format_version` precedes the first field; `event` is one of
/// `started`, `finished`, `failed`, `skipped` or `interrupted`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum EventDocument {
    /// A write started.
    Started { address: Address },
    Finished {
        address: Address,
        /// The duration of the step, including retries and waits.
        milliseconds: u64,
    },
    Failed {
        address: Address,
        /// For display; its wording may change.
        error: String,
    },
    /// The step was not started.
    Skipped {
        address: Address,
        /// The failed or blocked step that caused it.
        because: Address,
    },
    /// No more steps are started.
    Interrupted {
        /// The number of running steps, which finish or fail first.
        running: usize,
    },
}

impl From<ApplyEvent> for EventDocument {
    fn from(event: ApplyEvent) -> Self {
        match event {
            ApplyEvent::Started { address } => Self::Started { address },
            ApplyEvent::Finished { address, took } => Self::Finished {
                address,
                milliseconds: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            },
            ApplyEvent::Failed { address, error } => Self::Failed { address, error },
            ApplyEvent::Skipped { address, because } => Self::Skipped { address, because },
            ApplyEvent::Interrupted { running } => Self::Interrupted { running },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{
        json::VersionedDocument,
        progress::{ProgressReporter, tests::story},
    };

    #[test]
    fn one_document_a_line() {
        let mut out = vec![];
        let mut progress = ProgressReporter::Json(&mut out);
        story()
            .into_iter()
            .for_each(|event| progress.on_event(event));
        progress.finish();
        let text = String::from_utf8(out).unwrap();
        for (line, event) in text.lines().zip(story()) {
            assert_eq!(
                serde_json::from_str::<VersionedDocument<EventDocument>>(line).unwrap(),
                VersionedDocument::new(event.into())
            );
        }
        insta::assert_snapshot!(text, @r#"
        {"format_version":1,"event":"started","address":"kms_key"}
        {"format_version":1,"event":"started","address":"state_bucket"}
        {"format_version":1,"event":"finished","address":"kms_key","milliseconds":120}
        {"format_version":1,"event":"interrupted","running":1}
        {"format_version":1,"event":"failed","address":"state_bucket","error":"taken: \u001b[2J\u202eevil\nerror: fine"}
        {"format_version":1,"event":"skipped","address":"state_bucket/policy","because":"state_bucket"}
        "#);
    }
}
