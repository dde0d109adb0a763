//! A bootstrap that is cut off: afterwards there is one of everything.

use std::fs;

use super::{Cut, Cuts, cut_off, was_cut};
use crate::{
    faults::{LINE, ONE_OF_EVERYTHING, all, holds, world},
    support::{
        parts::{Part, in_parts},
        program::Place,
    },
};

/// How many calls are cut in each part where it is not soaked.
const SAMPLE: usize = 2;

in_parts! { fn threat_11_cut_at_any_call_the_next_run_makes_it_whole: cut in first second }

async fn cut(part: Part) {
    // How many calls there are, how many of them write, and which files there are in the end.
    let (emulator, place) = world().await;
    let (output, calls) = cut_off(&emulator, None, |endpoint| bootstrap(&place, endpoint));
    assert!(output.status.success(), "{output:?}");
    assert_eq!(all(&emulator), ONE_OF_EVERYTHING);
    let written = files(&place);
    Cuts::of("bootstrap", &calls, part, SAMPLE)
        .each(async |cut| whole_after(cut, &written).await)
        .await;
}

fn bootstrap(place: &Place, endpoint: &str) -> std::process::Command {
    place.command_at(endpoint, &format!("bootstrap {LINE} -y"))
}

fn files(place: &Place) -> Vec<String> {
    let mut files: Vec<String> = fs::read_dir(place.path())
        .expect("a folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("text")
        })
        .collect();
    files.sort();
    files
}

async fn whole_after(cut: Cut, written: &[String]) -> Result<(), String> {
    let (emulator, place) = world().await;
    let (output, calls) = cut_off(&emulator, Some(cut), |endpoint| bootstrap(&place, endpoint));
    was_cut(&output)?;
    let at = || {
        calls
            .last()
            .map_or("no call".to_owned(), |last| last.call.name())
    };
    let line = |command: &str| format!("{command} {LINE}");
    let run = |line: &str| place.run(&line.split_whitespace().collect::<Vec<_>>());

    let next = run(&line("bootstrap -y"));
    holds(next.code == Some(0), || format!("{}: {}", at(), next.all()))?;
    let all = all(&emulator);
    holds(all == ONE_OF_EVERYTHING, || format!("{}: {all}", at()))?;
    holds(files(&place) == written, || {
        format!("{}: {:?}", at(), files(&place))
    })?;
    let again = run(&line("bootstrap -y"));
    holds(
        again.code == Some(0) && again.err.contains("nothing to do"),
        || format!("{}: {}", at(), again.all()),
    )?;
    for check in ["verify", "render --check"] {
        let checked = run(&line(check));
        holds(checked.code == Some(0), || {
            format!("{}: {}", at(), checked.all())
        })?;
    }
    Ok(())
}
