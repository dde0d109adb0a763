//! Files of documentation that tests keep true: as expected, or written again with `UPDATE_DOCS=1`.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// A file of this package.
pub(crate) fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The pages of `docs`, as paths of this package, in alphabetical order.
pub(crate) fn docs() -> Vec<String> {
    let (mut pages, mut folders) = (vec![], vec!["docs".to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(path(&folder)).expect("a folder") {
            let entry = entry.expect("an entry");
            let name = format!("{folder}/{}", entry.file_name().to_str().expect("a name"));
            if entry.path().is_dir() {
                folders.push(name);
            } else if name.ends_with(".md") {
                pages.push(name);
            }
        }
    }
    pages.sort();
    pages
}

#[track_caller]
pub(crate) fn read(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The file is this text.
#[track_caller]
pub(crate) fn must_be(name: &str, text: &str) {
    let path = path(name);
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, text).expect("written");
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    let differs = written
        .lines()
        .zip(text.lines())
        .find(|(written, wanted)| written != wanted);
    assert!(
        written == text,
        "{name} is not what the program says; run `make docs`. The first line that differs: \
         {differs:#?}"
    );
}

/// What stands in the file between `<!-- made: NAME -->` and `<!-- /made -->` is this text, for
/// each of the names; no other part of it is made.
#[track_caller]
pub(crate) fn parts_must_be(name: &str, parts: &[(&str, String)]) {
    let mut page = read(name);
    assert_eq!(
        page.matches("<!-- made: ").count(),
        parts.len(),
        "{name} has another number of parts"
    );
    for (part, text) in parts {
        let start = format!("<!-- made: {part} -->\n");
        let from = page
            .find(&start)
            .unwrap_or_else(|| panic!("{name} has no part {part}"))
            + start.len();
        let length = page[from..]
            .find("<!-- /made -->")
            .unwrap_or_else(|| panic!("{name}: the end of {part}"));
        page.replace_range(from..from + length, &format!("\n{}\n\n", text.trim()));
    }
    must_be(name, &page);
}
