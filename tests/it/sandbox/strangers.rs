//! Who is let into a sandbox: its owner. Not another user of this machine, not a page in a browser,
//! not a program that knows the emulator's own keys; and nothing in it runs a program.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tfbackend::sandbox::SandboxError;

use super::World;
use crate::support::{emulator::Emulator, s3};

/// What most systems call `nobody`.
const ANOTHER: u32 = 65534;

#[tokio::test]
async fn threat_25_a_sandbox_lets_in_its_owner_only() {
    let emulator = Emulator::start_as_a_sandbox().await;
    insta::assert_snapshot!(emulator.python("tests/it/sandbox/strangers.py", &[]), @r"
    nobody: all of 16 are refused
    key test, forged: all of 16 are refused
    key of an account, forged: all of 16 are refused
    the owner's key, forged: all of 16 are refused
    test/test, signed: all of 16 are refused
    the owner's key, another secret: all of 16 are refused
    an account/test, signed: all of 16 are refused
    the owner, list buckets: 200
    the owner, Lambda: 403
    the owner, Lambda, run: 403
    the owner, Lambda, signed for S3: 405
    the owner, ECS: 403
    the owner, ECS, signed for KMS: 403
    the owner, Step Functions: 403
    the owner, CodeBuild: 403
    the owner, Glue: 403
    the owner, reset: 403
    the owner, configure: 403
    the owner, health: 403
    the owner, LocalStack's health: 403
    the owner, SES, mails: 403
    from a page: 403 403
    by another name: 403 403
    by its own: 200
    signed in its address: 403
    preflight: 403
    websocket: 403
    protocol: http/1.1
    buckets: [] users: ['admin']
    ");
}

#[tokio::test]
async fn nothing_in_a_sandbox_runs_a_program() {
    let emulator = Emulator::start_as_a_sandbox().await;
    let guard = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/sandbox/guard.py")
        .display()
        .to_string();
    assert_eq!(
        emulator.python("tests/it/sandbox/programs.py", &[&guard]),
        "no program ran\n"
    );
}

#[tokio::test]
async fn threat_26_another_user_reads_nothing_of_a_sandbox() {
    let world = World::new();
    // Otherwise its parent would keep others out already.
    open(world.dir.path(), 0o755);
    fs::create_dir(world.path()).expect("made");
    open(&world.path(), 0o777);
    let (running, ..) = world.up(None).await.expect("up");
    s3::client(&running)
        .create_bucket()
        .bucket("states")
        .send()
        .await
        .expect("made");
    s3::client(&running)
        .put_object()
        .bucket("states")
        .key("a/b")
        .body(b"secret".to_vec().into())
        .send()
        .await
        .expect("written");
    others_cannot_read(&world);
    world.sandbox().down(false).await.expect("down");
    others_cannot_read(&world);
    assert!(
        files_in(&world.path())
            .iter()
            .any(|file| file.ends_with("iam.json")),
        "what the emulator keeps was looked at"
    );

    // As an earlier version left it.
    for file in files_in(&world.path()) {
        open(&file, if file.is_dir() { 0o755 } else { 0o644 });
    }
    open(&world.path(), 0o755);
    world.up(None).await.expect("up");
    others_cannot_read(&world);
}

/// Neither by the permissions nor, where the tests may become another user, as one.
fn others_cannot_read(world: &World) {
    for file in files_in(&world.path()).into_iter().chain([world.path()]) {
        let mode = fs::symlink_metadata(&file).expect("a file").mode() & 0o7777;
        assert_eq!(
            mode,
            if file.is_dir() { 0o700 } else { 0o600 },
            "{}",
            file.display()
        );
    }
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let as_another = |script: &str| {
        let mut command = Command::new("sh");
        command
            .args(["-c", script, "sh"])
            .arg(world.dir.path())
            .current_dir("/")
            .stdin(Stdio::null());
        let said = command.uid(ANOTHER).gid(ANOTHER).output().expect("a shell");
        String::from_utf8_lossy(&said.stdout).into_owned()
    };
    assert_eq!(as_another(r#"ls "$1""#), "sandbox\n", "it can look so far");
    assert_eq!(
        as_another(
            r#"ls -a "$1/sandbox"; cat "$1"/sandbox/* "$1/sandbox/credentials" "$1/sandbox/emulator.py""#
        ),
        ""
    );
    assert_eq!(as_another(r#"find "$1/sandbox" -mindepth 1"#), "");
}

#[tokio::test]
async fn a_folder_of_another_user_is_refused() {
    let mut world = World::new();
    let owner = if rustix::process::geteuid().is_root() {
        fs::create_dir(world.path()).expect("made");
        std::os::unix::fs::chown(world.path(), Some(ANOTHER), Some(ANOTHER)).expect("given away");
        // What would have a process ended.
        fs::write(world.path().join("lock"), "").expect("written");
        ANOTHER
    } else {
        world
            .vars
            .insert("TFBACKEND_SANDBOX_DIR".to_owned(), "/".to_owned());
        0
    };
    let sandbox = world.sandbox();
    let errors = [
        world.up(None).await.map(|_| ()).expect_err("refused"),
        sandbox.status().map(|_| ()).expect_err("refused"),
    ];
    for error in errors {
        assert!(
            matches!(error, SandboxError::OfAnotherUser { owner: of, .. } if of == owner),
            "{error}"
        );
        assert!(
            error.to_string().contains("TFBACKEND_SANDBOX_DIR"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_emulator_of_another_version_is_started_anew() {
    let world = World::new();
    let (first, ..) = world.up(None).await.expect("up");
    s3::client(&first)
        .create_bucket()
        .bucket("kept")
        .send()
        .await
        .expect("made");
    fs::write(
        world.path().join("emulator.py"),
        "# one that lets in anybody\n",
    )
    .expect("written");
    let (second, already, _) = world.up(None).await.expect("up");
    assert!(
        !already && second.pid != first.pid && second.port == first.port,
        "{first:?} {second:?}"
    );
    s3::client(&second)
        .head_bucket()
        .bucket("kept")
        .send()
        .await
        .expect("kept");
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_list_of_processes_shows_neither_keys_nor_source() {
    let world = World::new();
    let (running, ..) = world.up(None).await.expect("up");
    let line = fs::read_to_string(format!("/proc/{}/cmdline", running.pid))
        .expect("a command line")
        .replace('\0', " ");
    let credentials = fs::read_to_string(&running.credentials_file).expect("credentials");
    let values = credentials
        .lines()
        .filter_map(|line| line.split_once(" = "))
        .map(|(_, value)| value);
    assert_eq!(values.clone().count(), 2);
    assert!(
        values.into_iter().all(|value| !line.contains(value)),
        "{line}"
    );
    assert!(line.len() < 1000 && line.contains("emulator.py"), "{line}");
}

fn open(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("opened");
}

/// All that is in a folder, at any depth.
fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![];
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path.clone());
            }
            found.push(path);
        }
    }
    found
}
