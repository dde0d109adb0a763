//! A command that a refusal or a plan prints runs as it is, in the same folder, where only flags
//! name the environment.

use super::{SMALL, command_in, printed, unsaid};
use crate::support::backend::Backend;

#[tokio::test]
async fn printed_commands_name_the_environment() {
    let backend = Backend::make(&[&SMALL[..], &["--lock", "dynamodb"]].concat()).await;
    let (emulator, dir) = (&backend.emulator, backend.dir());
    for words in [
        &["bootstrap", "-y", "--lock", "s3"][..],
        &["bootstrap", "-y", "--lock", "both"],
        &["bootstrap", "--noncurrent-days", "91"],
    ] {
        let command = command_in(&unsaid(emulator, dir, words), "lock migrate");
        let checked = printed(emulator, dir, &format!("{command} --check"));
        assert!(
            checked.code == Some(0) && checked.out.contains("Next: both"),
            "{command}: {}",
            checked.all()
        );
    }
    let refused = unsaid(emulator, dir, &["lock", "migrate", "--to", "s3"]);
    let command = command_in(&refused, "lock migrate --to both");
    let checked = printed(emulator, dir, &format!("{command} --check"));
    assert!(
        checked.code == Some(0) && checked.out.contains("Next: both"),
        "{command}: {}",
        checked.all()
    );

    let moved = unsaid(
        emulator,
        dir,
        &["bootstrap", "-y", "--key", "other.tfstate"],
    );
    let command = command_in(&moved, "render");
    let rendered = printed(emulator, dir, &command);
    assert!(
        rendered.code == Some(0) && super::conf(dir).contains("other.tfstate"),
        "{command}: {}",
        rendered.all()
    );

    let empty = tempfile::tempdir().expect("a folder");
    let none = [
        "--env",
        "stage",
        "--project",
        "acme",
        "--region",
        emulator.region(),
        "--endpoint-url",
        emulator.endpoint(),
    ];
    for words in ["state list", "render", "verify"] {
        let words: Vec<&str> = words.split(' ').chain(none).collect();
        let said = printed(emulator, empty.path(), &words.join(" "));
        let command = command_in(&said, "bootstrap");
        let planned = printed(
            emulator,
            empty.path(),
            &command.replacen("bootstrap", "plan", 1),
        );
        assert!(
            planned.code == Some(0) && planned.all().contains("acme stage"),
            "{command}: {}",
            planned.all()
        );
    }
}
