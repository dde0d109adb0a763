//! The folder for copies of states, beside the files: readable only by its owner and ignored by
//! Git.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::failure::CliError;
use crate::terraform::read::COPIES;

/// The warning about every copy of a state.
pub(crate) const RISK: &str = "it contains every secret of the states in plain text";

/// The folder that was said, as it is; else `.tfbackend` in the folder `beside`, made ready: for
/// its owner only, and with a `.gitignore` that leaves out all of it.
///
/// # Errors
/// If something else is in its place, or it cannot be made.
pub(crate) fn folder(said: Option<&Path>, beside: &Path, cwd: &Path) -> Result<PathBuf, CliError> {
    match said {
        Some(said) => Ok(cwd.join(said).components().collect()),
        None => made(&beside.join(COPIES)),
    }
}

fn made(path: &Path) -> Result<PathBuf, CliError> {
    let other = "choose another folder with --backup-dir";
    let refused = |what: &str| {
        CliError::refused(format!("{} {what}; nothing was changed", path.display())).hint(other)
    };
    let failed = |error: io::Error| {
        CliError::failed(format!(
            "cannot create the folder {}; nothing was changed",
            path.display()
        ))
        .because(&error)
        .hint(other)
    };
    let mut is_new = false;
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make(path).map_err(failed)?;
            is_new = true;
        }
        Err(error) => return Err(failed(error)),
        Ok(meta) if !meta.is_dir() => {
            return Err(refused(
                "is a link or a file, but must be a folder for copies of states",
            ));
        }
        Ok(meta) if !is_own(&meta) => return Err(refused("belongs to another user")),
        Ok(_) => {}
    }
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700))
        .map_err(failed)?;
    // It may have come with a checkout: nothing else counts as one.
    crate::host::private_file::write(&path.join(".gitignore"), b"*\n", true).map_err(|error| {
        if is_new {
            // Only what is empty is removed.
            let _ = fs::remove_dir(path);
        }
        failed(error)
    })?;
    Ok(path.to_owned())
}

fn make(path: &Path) -> io::Result<()> {
    if let Some(above) = path.parent() {
        fs::create_dir_all(above)?;
    }
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(unix)]
fn is_own(meta: &fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::uid(meta) == rustix::process::geteuid().as_raw()
}

#[cfg(not(unix))]
fn is_own(_: &fs::Metadata) -> bool {
    true
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::exit;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("there").permissions().mode() & 0o777
    }

    #[test]
    fn only_its_owner_and_no_commit_has_what_is_in_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let out = dir.path().join("infra");
        let copies = folder(None, &out, dir.path()).expect("made");
        assert_eq!(
            (copies.as_path(), mode(&copies)),
            (&*out.join(".tfbackend"), 0o700)
        );
        assert_eq!(
            fs::read_to_string(copies.join(".gitignore")).expect("there"),
            "*\n"
        );
        // As a checkout may have left it.
        fs::set_permissions(&copies, fs::Permissions::from_mode(0o755)).expect("set");
        fs::remove_file(copies.join(".gitignore")).expect("removed");
        fs::write(dir.path().join("secret"), "x").expect("written");
        symlink(dir.path().join("secret"), copies.join(".gitignore")).expect("a link");
        folder(None, &out, dir.path()).expect("made ready");
        assert_eq!(
            (
                mode(&copies),
                fs::read_to_string(copies.join(".gitignore"))
                    .expect("there")
                    .as_str()
            ),
            (0o700, "*\n")
        );
        assert_eq!(
            fs::read_to_string(dir.path().join("secret")).expect("there"),
            "x",
            "no link was followed"
        );
        assert_eq!(
            folder(Some(Path::new("x")), &out, dir.path()).expect("as said"),
            dir.path().join("x")
        );
        assert!(
            !dir.path().join("x").exists(),
            "what was said is left as it is"
        );
    }

    #[test]
    fn what_is_in_its_place_is_left_alone() {
        let dir = tempfile::tempdir().expect("a folder");
        let elsewhere = tempfile::tempdir().expect("a folder");
        symlink(elsewhere.path(), dir.path().join(".tfbackend")).expect("a link");
        let failure = folder(None, dir.path(), dir.path()).expect_err("a link");
        assert!(
            failure.code == exit::REFUSED && failure.hints[0].contains("--backup-dir"),
            "{failure:?}"
        );
        fs::remove_file(dir.path().join(".tfbackend")).expect("removed");
        fs::write(dir.path().join(".tfbackend"), "").expect("written");
        assert_eq!(
            folder(None, dir.path(), dir.path())
                .expect_err("a file")
                .code,
            exit::REFUSED
        );
        assert_eq!(fs::read_dir(elsewhere.path()).expect("a folder").count(), 0);
    }
}
