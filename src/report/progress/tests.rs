//! One run that every watcher tells.

use std::time::Duration;

use super::*;
use crate::engine::spec::Address;

/// Two steps start, one finishes; the other fails with a hostile message and takes a third with it.
pub(super) fn story() -> Vec<ApplyEvent> {
    let (key, bucket, policy) = (
        Address::new("kms_key"),
        Address::new("state_bucket"),
        Address::new("state_bucket/policy"),
    );
    vec![
        ApplyEvent::Started {
            address: key.clone(),
        },
        ApplyEvent::Started {
            address: bucket.clone(),
        },
        ApplyEvent::Finished {
            address: key,
            took: Duration::from_millis(120),
        },
        ApplyEvent::Interrupted { running: 1 },
        ApplyEvent::Failed {
            address: bucket.clone(),
            error: "taken: \x1b[2J\u{202e}evil\nerror: fine".into(),
        },
        ApplyEvent::Skipped {
            address: policy,
            because: bucket,
        },
    ]
}

/// As [`Run`](crate::engine::apply::Run) wants it.
#[test]
fn a_run_can_be_watched() {
    let mut out = vec![];
    let mut progress = ProgressReporter::Json(&mut out);
    let watch: &mut (dyn FnMut(ApplyEvent) + Send) = &mut |event| progress.on_event(event);
    watch(ApplyEvent::Interrupted { running: 0 });
    progress.finish();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "{\"format_version\":1,\"event\":\"interrupted\",\"running\":0}\n"
    );
}

#[test]
fn hidden_says_nothing_and_a_broken_pipe_stops_nothing() {
    struct Broken;
    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
    }
    let (mut one, mut two) = (Broken, Broken);
    for mut progress in [
        ProgressReporter::Hidden,
        ProgressReporter::Json(&mut one),
        ProgressReporter::lines(&mut two, TextStyles::PLAIN),
    ] {
        story()
            .into_iter()
            .for_each(|event| progress.on_event(event));
        progress.finish();
    }
}
