//! Programs on PATH.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
};

/// Returns the programs of these names in the folders of `PATH`: all of the first name, then those
/// of the next. A relative folder is skipped: it may be one of a checkout.
pub(crate) fn on_path<'a>(
    path: Option<&str>,
    names: impl IntoIterator<Item = &'a str>,
) -> Vec<PathBuf> {
    let dirs: Vec<PathBuf> = env::split_paths(OsStr::new(path.unwrap_or_default()))
        .filter(|dir| dir.is_absolute())
        .collect();
    let in_each = |name: &str| {
        let file = format!("{name}{}", env::consts::EXE_SUFFIX);
        dirs.iter()
            .map(|dir| dir.join(&file))
            .filter(|file| is_program(file))
            .collect::<Vec<_>>()
    };
    names.into_iter().flat_map(in_each).collect()
}

#[cfg(unix)]
fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    const EXECUTABLE: u32 = 0o111;
    file.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & EXECUTABLE != 0)
}

#[cfg(not(unix))]
fn is_program(file: &Path) -> bool {
    file.is_file()
}

#[cfg(all(test, unix))]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn programs_are_executable_files_in_absolute_folders() {
        let dir = tempfile::tempdir().expect("a folder");
        let [first, second] = ["first", "second"].map(|name| dir.path().join(name));
        for (folder, name, mode) in [
            (&first, "one", 0o644),
            (&second, "one", 0o755),
            (&second, "two", 0o755),
            (&first, "two", 0o755),
        ] {
            fs::create_dir_all(folder).expect("made");
            fs::write(folder.join(name), "").expect("written");
            fs::set_permissions(folder.join(name), fs::Permissions::from_mode(mode))
                .expect("changed");
        }
        let path = format!(".:{}::{}:src", first.display(), second.display());
        assert_eq!(
            on_path(Some(&path), ["one", "two", "none"]),
            [second.join("one"), first.join("two"), second.join("two")]
        );
        assert!(on_path(None, ["one"]).is_empty());
    }
}
