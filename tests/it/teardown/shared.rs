//! Two environments in one bucket: only the states of the one go, and all that the other stands on
//! stays.

use crate::support::{emulator::Emulator, program::Place};

const BUCKET: &str = "acme-tfstate-red-000000000000-eu-west-1";
const SET: &str = "tests/it/teardown/shared.py";
const TOML: &str = r#"project = "acme"
region = "eu-west-1"
lock = "both"
trail = "off"
alarms = false
access-logs = false
bucket = "acme-tfstate-red-000000000000-eu-west-1"
table = "acme-tfstate-red-locks"

[env.red]
key = "red.tfstate"

[env.blue]
key = "blue.tfstate"

[env.twin]
key = "red.tfstate"
bucket = "another-bucket-of-its-own"
table = "another-table"
"#;

#[tokio::test]
async fn of_a_shared_bucket_only_what_is_its_own_goes() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    let file = place.path().join("tfbackend.toml");
    std::fs::write(&file, TOML).expect("written");
    let said = place.bootstrap("--env red -y");
    assert_eq!(said.code, Some(0), "{}", said.all());
    let fill = || emulator.python(SET, &["fill", BUCKET]);
    let left = || emulator.python(SET, &["left", BUCKET]);
    let policy = || emulator.python(SET, &["policy", BUCKET]);
    fill();
    let (all, before) = (left(), policy());
    assert!(before.contains("DenyDestroyingHistory"), "it is protected");
    let teardown = |env: &str, more: &[&str]| {
        place.run(
            &[
                &[
                    "teardown",
                    "--env",
                    env,
                    "--confirm",
                    BUCKET,
                    "--purge-states",
                ],
                more,
            ]
            .concat(),
        )
    };

    // The bucket is red's, and has blue's states: blue has nothing else there.
    let said = teardown("blue", &[]);
    assert_eq!(said.code, Some(3), "{}", said.all());
    assert!(
        said.refusal().contains("locked: env:/x/blue.tfstate"),
        "{}",
        said.all()
    );
    assert_eq!((left(), policy()), (all.clone(), before.clone()));
    emulator.python(SET, &["unlock", BUCKET]);
    let said = teardown("blue", &[]);
    assert_eq!(said.code, Some(0), "{}", said.all());
    let kept = in_backup(&place);
    assert!(
        kept.contains("\"env:/x/blue.tfstate\"") && !kept.contains("red.tfstate"),
        "{kept}"
    );
    assert!(
        said.err.contains(
            "kept: state_bucket: belongs to the tfbackend environment red of project acme"
        ),
        "{}",
        said.all()
    );
    let of_red: String = all
        .lines()
        .filter(|line| !line.contains("blue"))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(
        (left(), policy()),
        (of_red.clone(), before.clone()),
        "every version, lock and digest of blue, and nothing else"
    );

    // As long as blue is in the file, red's bucket stays.
    fill();
    emulator.python(SET, &["unlock", BUCKET]);
    let of_blue: String = left()
        .lines()
        .filter(|line| !line.contains("red"))
        .map(|line| format!("{line}\n"))
        .collect();
    let said = teardown("red", &["--unprotect"]);
    assert_eq!(said.code, Some(0), "{}", said.all());
    assert!(
        said.err.contains("kept: state_bucket: also used by blue")
            && said.err.contains("kept: lock_table: also used by blue"),
        "{}",
        said.all()
    );
    assert_eq!((left(), policy()), (of_blue, before));

    // At the same key they are the same states.
    std::fs::write(&file, TOML.replace("\"blue.tfstate\"", "\"red.tfstate\"")).expect("written");
    fill();
    let there = left();
    let said = teardown("red", &["--unprotect"]);
    assert_eq!(said.code, Some(3), "{}", said.all());
    assert!(
        said.refusal().contains("blue uses the same states"),
        "{}",
        said.all()
    );
    assert_eq!(left(), there);
}

/// What the only backup that there is says of itself.
fn in_backup(place: &Place) -> String {
    let files = std::fs::read_dir(place.path().join(".tfbackend"))
        .expect("the folder")
        .map(|entry| entry.expect("a file").path());
    let mut backups = files.filter(|path| path.extension().is_some_and(|end| end == "zst"));
    let (Some(backup), None) = (backups.next(), backups.next()) else {
        panic!("one backup")
    };
    let file = zstd::Decoder::new(std::fs::File::open(backup).expect("readable")).expect("zstd");
    let mut archive = tar::Archive::new(file);
    let mut entries = archive
        .entries()
        .expect("a tar")
        .map(|entry| entry.expect("an entry"));
    let manifest = entries
        .find(|entry| entry.path().expect("a path").ends_with("manifest.json"))
        .expect("a manifest");
    std::io::read_to_string(manifest).expect("text")
}

/// The table locks for a bucket that tfbackend knows nothing of: it stays, with what others have in
/// it and nothing of ours.
#[tokio::test]
async fn a_table_that_others_lock_with_stays() {
    let emulator = Emulator::start().await;
    let place = Place::with(&emulator);
    let line = "--env red --project acme --region eu-west-1 --lock both --ephemeral --trail off \
                --alarms=false --access-logs=false";
    let said = place.bootstrap(&format!("{line} -y"));
    assert_eq!(said.code, Some(0), "{}", said.all());
    emulator.python(SET, &["fill", BUCKET]);
    emulator.python(SET, &["unlock", BUCKET]);
    emulator.python(SET, &["foreign", BUCKET]);
    let words = format!("teardown {line} --confirm {BUCKET}");
    let said = place.run(&words.split_whitespace().collect::<Vec<_>>());
    assert_eq!(said.code, Some(0), "{}", said.all());
    assert!(
        said.err
            .contains("kept: lock_table: also used by bucket somebodys-bucket"),
        "{}",
        said.all()
    );
    assert_eq!(
        emulator.python(SET, &["items", BUCKET]),
        "item somebodys-bucket/a.tfstate-md5\n"
    );
    assert_eq!(
        emulator.python("tests/it/support/inventory.py", &[]),
        "alias/acme-tfstate-red\nkey Enabled\ntable acme-tfstate-red-locks\n"
    );
}
