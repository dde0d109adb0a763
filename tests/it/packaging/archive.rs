//! The archives of a release: what is in them, and that the same program always gives the same bytes.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    program, python,
    releases::{Answer, Machine, Releases, path, sha256},
};
use crate::support::page;

const EPOCH: u64 = 1_700_000_000;
const PROGRAM: &str = env!("CARGO_BIN_EXE_tfbackend");

/// The target that this is built for.
fn host() -> String {
    let version = Command::new("rustc").arg("-vV").output().expect("rustc");
    let version = String::from_utf8(version.stdout).expect("text");
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.expect("a platform").to_owned()
}

/// The program of the tests is large: this one is the same for all that `pack.py` asks it.
fn small_program(dir: &Path) -> PathBuf {
    let path = dir.join("small");
    fs::write(&path, format!("#!/bin/sh\nexec {PROGRAM} \"$@\"\n")).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a program");
    path
}

struct Packed {
    dir: TempDir,
    /// Without the end.
    name: String,
}

impl Packed {
    fn new() -> Self {
        let name = format!("tfbackend-{}-{}", env!("CARGO_PKG_VERSION"), host());
        Self {
            dir: tempfile::tempdir().expect("a folder"),
            name,
        }
    }

    /// Packs with these variables, and returns the bytes.
    fn pack(&self, out: &str, vars: &[(&str, &str)]) -> Vec<u8> {
        let out = self.dir.path().join(out);
        let output = program("pack.py")
            .args(["archive", "--target", &host(), "--binary"])
            .arg(small_program(self.dir.path()))
            .arg("--out")
            .arg(&out)
            .envs(vars.iter().copied())
            .output()
            .expect("Python");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{error}");
        let path = out.join(format!("{}.tar.gz", self.name));
        let printed = String::from_utf8_lossy(&output.stdout);
        assert_eq!(printed.trim_end(), path.display().to_string());
        fs::read(path).expect("an archive")
    }
}

/// Each file below a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).expect("a folder");
    let file = |path: PathBuf| {
        let name = path.file_name().expect("a name").to_str().expect("text");
        (name.to_owned(), fs::read(&path).expect("a file"))
    };
    entries
        .map(|entry| file(entry.expect("an entry").path()))
        .collect()
}

#[test]
fn archive_has_program_manuals_completions_and_licences() {
    let packed = Packed::new();
    let bytes = packed.pack("out", &[("SOURCE_DATE_EPOCH", &EPOCH.to_string())]);
    let path = packed.dir.path().join("archive");
    fs::write(&path, bytes).expect("written");
    let listed = python(
        "import tarfile, hashlib\n\
         archive = tarfile.open(sys.argv[1], 'r:gz')\n\
         print(json.dumps([[entry.name, entry.isreg(), oct(entry.mode), entry.uid, entry.gid, \
         entry.uname + entry.gname, entry.mtime, \
         hashlib.sha256(archive.extractfile(entry).read()).hexdigest()] for entry in archive]))",
        &[path.to_str().expect("a path")],
    );

    let mut expected: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for name in ["CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT", "README.md"] {
        expected.insert(name.to_owned(), page::read(name).into_bytes());
    }
    for (shell, file) in [
        ("bash", "tfbackend.bash"),
        ("elvish", "tfbackend.elv"),
        ("fish", "tfbackend.fish"),
        ("powershell", "_tfbackend.ps1"),
        ("zsh", "_tfbackend"),
    ] {
        let output = Command::new(PROGRAM).args(["completions", shell]).output();
        expected.insert(
            format!("completions/{file}"),
            output.expect("it runs").stdout,
        );
    }
    let manuals = packed.dir.path().join("manuals");
    let made = Command::new(PROGRAM).arg("man").arg(&manuals).status();
    assert!(made.expect("it runs").success());
    let manuals = files(&manuals);
    assert!(manuals.len() > 20 && manuals.contains_key("tfbackend-bootstrap.1"));
    expected.extend(
        manuals
            .into_iter()
            .map(|(name, text)| (format!("man/{name}"), text)),
    );
    let small = fs::read(small_program(packed.dir.path())).expect("a program");
    expected.insert("tfbackend".to_owned(), small);
    let third_party = python(
        "import notices; print(json.dumps(notices.notices(sys.argv[1])))",
        &[&host()],
    );
    let third_party = third_party.as_str().expect("text").as_bytes().to_vec();
    expected.insert("LICENSE-THIRD-PARTY".to_owned(), third_party);

    let mode = |name: &str| {
        if name == "tfbackend" {
            "0o755"
        } else {
            "0o644"
        }
    };
    let expected: Vec<Value> = expected
        .iter()
        .map(|(name, text)| {
            let path = format!("{}/{name}", packed.name);
            json!([path, true, mode(name), 0, 0, "", EPOCH, sha256(text)])
        })
        .collect();
    assert_eq!(listed, Value::from(expected));
}

#[test]
fn archive_has_the_same_bytes_each_time() {
    let packed = Packed::new();
    let epoch = EPOCH.to_string();
    let first = packed.pack("first", &[("SOURCE_DATE_EPOCH", &epoch)]);
    // Another user, another day, another folder; a setting would be in the help.
    let vars = [
        ("SOURCE_DATE_EPOCH", epoch.as_str()),
        ("TZ", "Pacific/Auckland"),
        ("LC_ALL", "C"),
        ("PYTHONHASHSEED", "7"),
        ("TFBACKEND_REGION", "eu-north-1"),
        ("USER", "other"),
    ];
    let second = packed.pack("second", &vars);
    assert!(first == second, "two archives of one program are different");
    let later = packed.pack("later", &[("SOURCE_DATE_EPOCH", "1700000001")]);
    assert!(
        first != later,
        "the time of the commit is the time of the files"
    );
}

#[test]
fn archive_for_windows_has_the_same_bytes_each_time() {
    let script = "import pack, io, zipfile, base64\n\
                  files = {'b.txt': (b'text', False), 'a.exe': (b'program', True)}\n\
                  first = pack.zipped('top', files, 1700000000)\n\
                  again = pack.zipped('top', dict(reversed(files.items())), 1700000000)\n\
                  archive = zipfile.ZipFile(io.BytesIO(first))\n\
                  print(json.dumps([first == again, [[entry.filename, entry.date_time, \
                  oct(entry.external_attr >> 16), archive.read(entry).decode()] for entry in \
                  archive.infolist()]]))";
    let time = [2023, 11, 14, 22, 13, 20];
    assert_eq!(
        python(script, &[]),
        json!([
            true,
            [
                ["top/a.exe", time, "0o100755", "program"],
                ["top/b.txt", time, "0o100644", "text"],
            ]
        ])
    );
}

/// As another command of cargo lists them.
#[test]
fn archive_names_every_crate_of_the_program_and_its_licence() {
    let notices = python(
        "import notices; print(json.dumps(notices.notices(sys.argv[1])))",
        &[&host()],
    );
    let notices = notices.as_str().expect("text");
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--prefix", "none"])
        .args(["--edges", "normal,build", "--target", &host()])
        .args(["--format", "{p}: {l}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo");
    let listed = String::from_utf8(output.stdout).expect("text");
    let listed: BTreeSet<String> = listed
        .lines()
        .map(|line| line.replace(" (*)", "").replace(" (proc-macro)", ""))
        .filter(|line| !line.starts_with("tfbackend "))
        .map(|line| line.replacen(" v", " ", 1))
        .collect();
    assert!(listed.len() > 150, "{}", listed.len());
    let (names, texts) = notices.split_once("\n\n-----").expect("texts");
    let named: BTreeSet<String> = names
        .lines()
        .skip(2)
        .map(|line| line.rsplit_once(", ").expect("an address").0.to_owned())
        .collect();
    assert_eq!(named, listed);
    for crates in ["aws-sdk-s3 1", "clap 4", "tokio 1", "zstd-sys 2"] {
        assert!(texts.contains(crates), "there is no licence of {crates}");
    }
    assert!(!notices.contains("\nproptest "), "tests are not shipped");
}

/// What is packed here is installed by `install.sh`.
#[test]
fn archive_is_one_that_install_script_installs() {
    let version = env!("CARGO_PKG_VERSION");
    let packed = Packed::new();
    let bytes = packed.pack("out", &[]);
    let output = program("pack.py")
        .arg("sums")
        .arg(packed.dir.path().join("out"))
        .output()
        .expect("Python");
    assert!(output.status.success(), "{output:?}");
    let sums = fs::read(packed.dir.path().join("out/SHA256SUMS")).expect("checksums");
    let name = format!("{}.tar.gz", packed.name);
    assert_eq!(
        String::from_utf8_lossy(&sums),
        format!("{}  {name}\n", sha256(&bytes))
    );
    let releases = Releases::empty();
    releases.put("/latest/download/SHA256SUMS", Answer::Whole(sums));
    releases.put(&path(version, &name), Answer::Whole(bytes));
    let machine = Machine::new(&releases);
    // Whatever this machine is.
    for tool in ["uname", "getconf"] {
        let real = super::releases::found(tool).unwrap_or_else(|| panic!("there is no {tool}"));
        machine.tool(tool, &format!("exec {} \"$@\"", real.display()));
    }
    if host().ends_with("-linux-gnu") {
        machine.tool("getconf", "echo glibc 2.99");
    }
    let (code, said) = machine.install(&[]);
    assert_eq!(code, Some(0), "{said}");
    let output = Command::new(machine.path("home/.local/bin/tfbackend"))
        .arg("--version")
        .output()
        .expect("it runs");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert_eq!(printed, format!("tfbackend {version}\n"));
}
