//! The `local` backend beside the real Terraform: its files, its lock, its permissions.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::*;

fn terraform(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("terraform");
    command
        .args(args)
        .current_dir(dir)
        .env("CHECKPOINT_DISABLE", "1")
        .stdin(Stdio::null());
    command
}

#[track_caller]
fn ran(mut command: Command) -> (Option<i32>, String) {
    let output = command.output().expect("terraform");
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.code(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

/// A folder whose state is elsewhere, and the store of that state.
fn folder(dir: &Path) -> LocalStore {
    let states = dir.join("states");
    let main = format!(
        "terraform {{\n  backend \"local\" {{\n    path = \"{0}/a.tfstate\"\n    workspace_dir = \
         \"{0}/spaces\"\n  }}\n}}\nresource \"terraform_data\" \"one\" {{\n  input = 1\n}}\n",
        states.display()
    );
    fs::write(dir.join("main.tf"), main).expect("written");
    LocalStore::new(states.join("a.tfstate"), states.join("spaces"))
}

#[tokio::test]
async fn terraform_and_the_store_exclude_each_other() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = folder(dir.path());
    assert_eq!(ran(terraform(dir.path(), &["init"])).0, Some(0));
    let id = store.locate("default").expect("a place");

    let lock = held(&store, &id).await;
    let (code, said) = ran(terraform(dir.path(), &["apply", "-auto-approve"]));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("Error acquiring the state lock"), "{said}");
    assert!(
        said.contains(&lock.info().id) && said.contains("me@here"),
        "{said}"
    );
    // Reading while the lock is held does not release it.
    assert_eq!(bytes(&store, &id).await, None);
    assert!(store.locks().next().await.is_some());
    assert_eq!(
        ran(terraform(dir.path(), &["apply", "-auto-approve"])).0,
        Some(1)
    );
    lock.release().await.expect("released");
    assert!(
        !dir.path().join("states/a.tfstate").exists(),
        "only the lock created it"
    );

    let (code, said) = ran(terraform(dir.path(), &["apply", "-auto-approve"]));
    assert_eq!(code, Some(0), "{said}");
    let state = bytes(&store, &id).await.expect("a state");
    assert!(String::from_utf8_lossy(&state).contains("terraform_data"));

    // A run that is at work holds the lock, and its process is named.
    let slow = "resource \"terraform_data\" \"slow\" {\n  provisioner \"local-exec\" {\n    command = \
                \"sleep 5\"\n  }\n}\n";
    fs::write(dir.path().join("slow.tf"), slow).expect("written");
    let mut run = terraform(dir.path(), &["apply", "-auto-approve"]);
    let mut run = run.stdout(Stdio::null()).spawn().expect("terraform");
    let begun = Instant::now();
    let seen = loop {
        if let Some(Ok(seen)) = store.locks().next().await
            && seen.info.is_ok()
        {
            break seen;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "terraform locks");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(
        seen.info.as_ref().expect("who").operation,
        "OperationTypeApply"
    );
    assert!(
        seen.places[0].contains(&format!("(process {})", run.id())),
        "{seen:?}"
    );
    let refused = store.lock(&id, &info("me@here")).await;
    let Err(StateLockError::Held(Some(holder))) = refused else {
        panic!("terraform holds it: {refused:?}")
    };
    assert_eq!(
        holder.info.expect("who").id,
        seen.info.as_ref().expect("who").id
    );
    let refused = store.release(&seen).await;
    assert!(
        matches!(refused, Err(StoreError::Unsupported { .. })),
        "{refused:?}"
    );
    assert!(run.wait().expect("ended").success(), "nothing disturbed it");
    assert!(store.locks().next().await.is_none());
}

#[tokio::test]
async fn what_the_store_writes_terraform_reads() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = folder(dir.path());
    assert_eq!(ran(terraform(dir.path(), &["init"])).0, Some(0));
    assert_eq!(
        ran(terraform(dir.path(), &["apply", "-auto-approve"])).0,
        Some(0)
    );
    assert_eq!(
        ran(terraform(dir.path(), &["workspace", "new", "blue"])).0,
        Some(0)
    );
    assert_eq!(
        ran(terraform(dir.path(), &["apply", "-auto-approve"])).0,
        Some(0)
    );
    let states: Vec<_> = store.list().try_collect().await.expect("listed");
    let workspaces: Vec<&str> = states.iter().map(|state| &*state.id.workspace).collect();
    assert_eq!(workspaces, ["default", "blue"]);

    let id = store.locate("blue").expect("a place");
    let before = store
        .read(&id, None, MAX)
        .await
        .expect("read")
        .expect("a state");
    let text = String::from_utf8(before.bytes.clone()).expect("text");
    let serial: u64 = text
        .split("\"serial\": ")
        .nth(1)
        .and_then(|rest| rest.split(',').next()?.parse().ok())
        .expect("a serial");
    let next = text.replacen(
        &format!("\"serial\": {serial}"),
        &format!("\"serial\": {}", serial + 1),
        1,
    );
    let lock = held(&store, &id).await;
    store
        .write(
            &id,
            next.as_bytes(),
            Expected::Exactly(&before.revision),
            &*lock,
        )
        .await
        .expect("written");
    lock.release().await.expect("released");
    assert_eq!(
        fs::read(format!("{}.backup", id.path)).expect("kept"),
        before.bytes
    );
    let (code, said) = ran(terraform(dir.path(), &["plan", "-detailed-exitcode"]));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("No changes"), "{said}");
}

/// A state has secrets: folder, state, backup and lock are for their owner alone.
#[tokio::test]
async fn files_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().expect("a folder");
    let store = LocalStore::new(
        dir.path().join("a/b/s.tfstate"),
        dir.path().join("a/spaces"),
    );
    let id = store.locate("blue").expect("a place");
    let lock = held(&store, &id).await;
    let first = store
        .write(&id, FIRST, Expected::Absent, &*lock)
        .await
        .expect("written");
    store
        .write(&id, SECOND, Expected::Exactly(&first), &*lock)
        .await
        .expect("written");
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    let folder = dir.path().join("a/spaces/blue");
    assert_eq!(mode(&folder), 0o700);
    for name in [
        "terraform.tfstate",
        "terraform.tfstate.backup",
        ".terraform.tfstate.lock.info",
    ] {
        assert_eq!(mode(&folder.join(name)), 0o600, "{name}");
    }
    lock.release().await.expect("released");
    assert!(!folder.join(".terraform.tfstate.lock.info").exists());
}

/// A process that died leaves `.lock.info`; the lock itself is gone with it.
#[tokio::test]
async fn lock_of_a_dead_process_is_released() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = LocalStore::new(dir.path().join("s.tfstate"), dir.path().join("spaces"));
    fs::write(dir.path().join("s.tfstate"), FIRST).expect("written");
    let left = dir.path().join(".s.tfstate.lock.info");
    fs::write(&left, info("gone@there").to_go_json()).expect("written");
    let locks: Vec<_> = store.locks().try_collect().await.expect("listed");
    assert_eq!(locks.len(), 1);
    assert_eq!(locks[0].info.as_ref().expect("who").who, "gone@there");
    assert!(locks[0].is_left_behind);
    // Another lock came and went since.
    fs::write(&left, info("later@there").to_go_json()).expect("written");
    assert_eq!(
        store.release(&locks[0]).await.expect("an answer"),
        Release::Changed
    );
    assert!(left.exists());
    let locks: Vec<_> = store.locks().try_collect().await.expect("listed");
    assert_eq!(
        store.release(&locks[0]).await.expect("released"),
        Release::Released
    );
    assert!(!left.exists());
    // Terraform takes a lock beside such a file, and so does the store.
    fs::write(&left, info("gone@there").to_go_json()).expect("written");
    let id = store.locate("default").expect("a place");
    let lock = held(&store, &id).await;
    assert!(
        fs::read_to_string(&left)
            .expect("there")
            .contains(&lock.info().id)
    );
    lock.release().await.expect("released");
}

/// What is no plain file is neither read nor written.
#[tokio::test]
async fn odd_files_are_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = LocalStore::new(dir.path().join("s.tfstate"), dir.path().join("spaces"));
    fs::create_dir(dir.path().join("s.tfstate")).expect("made");
    let id = store.locate("default").expect("a place");
    assert!(store.read(&id, None, MAX).await.is_err());
    assert!(store.lock(&id, &info("me@here")).await.is_err());
    fs::remove_dir(dir.path().join("s.tfstate")).expect("removed");
    std::os::unix::fs::symlink("/etc/hostname", dir.path().join("s.tfstate")).expect("linked");
    assert!(store.lock(&id, &info("me@here")).await.is_err());
    // It is neither read nor left out of the list without a word.
    let read = store.read(&id, None, MAX).await.expect_err("a link");
    assert!(read.to_string().contains("it is a link"), "{read}");
    let listed: Result<Vec<_>, _> = store.list().try_collect().await;
    assert!(
        listed
            .expect_err("a link")
            .to_string()
            .contains("it is a link")
    );
    assert!(
        fs::read_dir(dir.path()).expect("read").count() == 1,
        "nothing was written"
    );
}

/// A folder with an applied state in it, its store, and the path of the state.
fn applied(dir: &Path) -> (LocalStore, PathBuf) {
    let main = "resource \"terraform_data\" \"one\" {\n  input = 1\n}\n";
    fs::write(dir.join("main.tf"), main).expect("written");
    assert_eq!(ran(terraform(dir, &["init"])).0, Some(0));
    assert_eq!(ran(terraform(dir, &["apply", "-auto-approve"])).0, Some(0));
    let path = dir.join("terraform.tfstate");
    let store = LocalStore::new(&path, dir.join("terraform.tfstate.d"));
    (store, path)
}

/// A run that waits for a lock that is held. It has tried when this returns, and tries again.
async fn waiting(dir: &Path) -> Child {
    let args = [
        "apply",
        "-auto-approve",
        "-no-color",
        "-lock-timeout=60s",
        "-replace=terraform_data.one",
    ];
    let run = terraform(dir, &args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("terraform");
    tokio::time::sleep(Duration::from_secs(4)).await;
    run
}

/// What a run said that failed, in one line.
fn refused(run: Child) -> String {
    let output = run.wait_with_output().expect("ended");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let words: Vec<&str> = said
        .split_whitespace()
        .filter(|word| *word != "│")
        .collect();
    words.join(" ")
}

/// It has the file open already: it must not write a state where no other run looks.
#[tokio::test]
async fn run_that_waits_for_the_lock_is_kept_out_of_a_state_that_moved() {
    let dir = tempfile::tempdir().expect("a folder");
    let (store, path) = applied(dir.path());
    let id = store.locate("default").expect("a place");
    let before = bytes(&store, &id).await;
    let moved = LockInfo {
        info: "moved to elsewhere".to_owned(),
        ..info("me@here")
    };
    let lock = store.lock(&id, &moved).await.expect("locked");
    let run = waiting(dir.path()).await;
    let now = revision(&store, &id).await;
    lock.keep(&now).await.expect("kept");
    let said = refused(run);
    assert!(said.contains("moved to elsewhere"), "{said}");
    assert_eq!(bytes(&store, &id).await, before);
    assert!(path.is_symlink());
    let locks: Vec<_> = store.locks().try_collect().await.expect("listed");
    assert_eq!(
        locks[0].info.as_ref().expect("who").info,
        "moved to elsewhere",
        "the run did not take the note along"
    );
}

/// It would write to a file that has no name any more.
#[tokio::test]
async fn run_that_waits_for_the_lock_is_kept_out_of_a_state_that_was_deleted() {
    let dir = tempfile::tempdir().expect("a folder");
    let (store, path) = applied(dir.path());
    let id = store.locate("default").expect("a place");
    let lock = held(&store, &id).await;
    let run = waiting(dir.path()).await;
    let now = revision(&store, &id).await;
    store.delete(&id, &now, &*lock).await.expect("deleted");
    lock.release().await.expect("released");
    assert!(!path.exists());
    let said = refused(run);
    assert!(said.contains("Run Terraform again"), "{said}");
    // The next run sees that there is no state.
    let (code, said) = ran(terraform(dir.path(), &["apply", "-auto-approve"]));
    assert_eq!(code, Some(0), "{said}");
    assert!(path.exists());
}

/// A crash or a full disk leaves the old state or the new one, and the lock goes over to the new
/// file.
#[tokio::test]
async fn a_state_is_replaced_as_a_whole() {
    let dir = tempfile::tempdir().expect("a folder");
    let (store, path) = applied(dir.path());
    let id = store.locate("default").expect("a place");
    let before = bytes(&store, &id).await.expect("a state");
    let lock = held(&store, &id).await;
    let run = waiting(dir.path()).await;
    let old = fs::metadata(&path).expect("there");
    let now = revision(&store, &id).await;
    let wanted = String::from_utf8(before)
        .expect("text")
        .replace("\"serial\": 1", "\"serial\": 7");
    store
        .write(&id, wanted.as_bytes(), Expected::Exactly(&now), &*lock)
        .await
        .expect("written");
    let new = fs::metadata(&path).expect("there");
    assert_ne!(ino(&old), ino(&new), "not in place");
    assert_eq!(mode(&old), mode(&new), "its permissions stay");
    // The new file is locked.
    let (code, said) = ran(terraform(dir.path(), &["apply", "-auto-approve"]));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("Error acquiring the state lock"), "{said}");
    lock.release().await.expect("released");
    let said = refused(run);
    assert!(said.contains("Run Terraform again"), "{said}");
    assert_eq!(bytes(&store, &id).await, Some(wanted.into_bytes()));
    let (code, said) = ran(terraform(dir.path(), &["plan", "-detailed-exitcode"]));
    assert_eq!(code, Some(0), "{said}");
}

fn ino(meta: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(meta)
}

fn mode(meta: &fs::Metadata) -> u32 {
    std::os::unix::fs::MetadataExt::mode(meta)
}

/// A pipe would never end, and a device has no end.
#[tokio::test]
async fn a_copy_that_is_no_file_is_an_error() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("terraform.tfstate");
    let note = "{\"tfbackend\":{\"ID\":\"1\",\"Operation\":\"OperationTypeMigrate\",\"Info\":\"moved \
                to x\",\"Who\":\"a\",\"Version\":\"1\",\"Created\":\"2026-01-01T00:00:00Z\",\"Path\":\
                \"\",\"StateMD5\":\"x\"},\"version\":4}";
    fs::write(&path, note).expect("written");
    std::os::unix::fs::symlink("/dev/zero", dir.path().join("terraform.tfstate.backup"))
        .expect("linked");
    let store = LocalStore::new(&path, dir.path().join("d"));
    let listed: Result<Vec<_>, _> = store.list().try_collect().await;
    let error = listed.expect_err("no file").to_string();
    assert!(error.contains("not a regular file"), "{error}");
    fs::remove_file(&path).expect("removed");
    let made = Command::new("mkfifo").arg(&path).status().expect("mkfifo");
    assert!(made.success());
    let states: Vec<_> = store.list().try_collect().await.expect("listed");
    let error = store
        .read(&states[0].id, None, MAX)
        .await
        .expect_err("a pipe");
    assert!(error.to_string().contains("not a regular file"), "{error}");
}
