//! Releases on loopback, with the layout that GitHub has, and a machine to install them on.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::{is_windows, targets};
use crate::support::{page, ports::free_port};

/// What the server does when a path is asked for.
#[derive(Clone)]
pub(super) enum Answer {
    Whole(Vec<u8>),
    /// All bytes are announced, and half of them sent.
    CutOff(Vec<u8>),
    Elsewhere(String),
    /// Nothing comes, for as long as the client waits.
    Stalled,
}

#[derive(Default)]
struct Shared {
    answers: BTreeMap<String, Answer>,
    asked: Vec<String>,
}

/// Ends with the process of the test.
pub(super) struct Releases {
    port: u16,
    shared: Arc<Mutex<Shared>>,
}

impl Releases {
    pub(super) fn empty() -> Self {
        let port = free_port();
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("a port");
        let shared = Arc::new(Mutex::new(Shared::default()));
        let served = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let served = Arc::clone(&served);
                thread::spawn(move || serve(stream.expect("a connection"), &served));
            }
        });
        Self { port, shared }
    }

    /// Has each of these versions, for every target; the last one is the latest.
    pub(super) fn of(versions: &[&str]) -> Self {
        let releases = Self::empty();
        for version in versions {
            releases.add(version);
        }
        releases
    }

    fn add(&self, version: &str) {
        let mut sums = String::new();
        for target in targets().iter().filter(|target| !is_windows(target)) {
            let name = format!("tfbackend-{version}-{target}.tar.gz");
            let bytes = packed(version, target, &script(version));
            writeln!(sums, "{}  {name}", sha256(&bytes)).expect("a line");
            self.put(&path(version, &name), Answer::Whole(bytes));
        }
        let listed = path(version, "SHA256SUMS");
        self.put(&listed, Answer::Whole(sums.into_bytes()));
        self.put("/latest/download/SHA256SUMS", Answer::Elsewhere(listed));
    }

    pub(super) fn put(&self, path: &str, answer: Answer) {
        let mut shared = self.shared.lock().expect("the answers");
        shared.answers.insert(path.to_owned(), answer);
    }

    /// The bytes at a path.
    pub(super) fn bytes(&self, path: &str) -> Vec<u8> {
        match self.shared.lock().expect("the answers").answers.get(path) {
            Some(Answer::Whole(bytes)) => bytes.clone(),
            _ => panic!("there is no {path}"),
        }
    }

    /// The paths that were asked for since the last call.
    pub(super) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.lock().expect("the paths").asked)
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// The path of a file of a release.
pub(super) fn path(version: &str, name: &str) -> String {
    format!("/download/v{version}/{name}")
}

fn serve(mut stream: TcpStream, shared: &Mutex<Shared>) {
    let mut request = vec![];
    let mut part = [0; 1024];
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read(&mut part) {
            Ok(0) | Err(_) => return,
            Ok(read) => request.extend_from_slice(&part[..read]),
        }
    }
    let request = String::from_utf8(request).expect("a request");
    let path = request.split(' ').nth(1).expect("a path").to_owned();
    let answer = {
        let mut shared = shared.lock().expect("the answers");
        shared.asked.push(path.clone());
        shared.answers.get(&path).cloned()
    };
    let head = |status: &str, length: usize, more: &str| {
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{more}\r\n")
    };
    let (head, body) = match answer {
        Some(Answer::Whole(bytes)) => (head("200 OK", bytes.len(), ""), bytes),
        Some(Answer::CutOff(mut bytes)) => {
            let head = head("200 OK", bytes.len(), "");
            bytes.truncate(bytes.len() / 2);
            (head, bytes)
        }
        Some(Answer::Elsewhere(path)) => {
            let location = format!("Location: {path}\r\n");
            (head("302 Found", 0, &location), vec![])
        }
        Some(Answer::Stalled) => return thread::sleep(Duration::from_secs(60)),
        None => (head("404 Not Found", 0, ""), vec![]),
    };
    // A client that has left is none of the server's business.
    drop(stream.write_all(head.as_bytes()));
    drop(stream.write_all(&body));
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("hex");
        hex
    })
}

/// A program that says which version it is.
pub(super) fn script(version: &str) -> String {
    format!("#!/bin/sh\necho tfbackend {version}\n")
}

/// An archive with this text as the program.
pub(super) fn packed(version: &str, target: &str, program: &str) -> Vec<u8> {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = format!("tfbackend-{version}-{target}");
    fs::create_dir(dir.path().join(&folder)).expect("a folder");
    let file = dir.path().join(&folder).join("tfbackend");
    fs::write(&file, program).expect("written");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("a program");
    let output = Command::new("tar")
        .args(["-czf", "-", "-C"])
        .arg(dir.path())
        .arg(folder)
        .output()
        .expect("tar");
    assert!(output.status.success());
    output.stdout
}

/// What `install.sh` needs of a system.
const TOOLS: [&str; 16] = [
    "cat", "chmod", "cp", "curl", "cut", "dirname", "grep", "gzip", "mkdir", "mktemp", "mv", "rm",
    "rmdir", "sh", "sleep", "tar",
];

/// A home, and a PATH with nothing but the tools of [`TOOLS`] and what a test adds.
pub(super) struct Machine {
    dir: TempDir,
    pub(super) vars: BTreeMap<String, String>,
}

impl Machine {
    /// Linux on x86-64 with a new glibc.
    pub(super) fn new(releases: &Releases) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        for name in ["bin", "home", "tmp"] {
            fs::create_dir(dir.path().join(name)).expect("a folder");
        }
        let text = |name| dir.path().join(name).display().to_string();
        let vars = BTreeMap::from(
            [
                ("PATH", text("bin")),
                ("HOME", text("home")),
                ("TMPDIR", text("tmp")),
                ("TFBACKEND_DOWNLOAD_URL", releases.url()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        let machine = Self { dir, vars };
        for tool in TOOLS {
            machine.link(
                tool,
                &found(tool).unwrap_or_else(|| panic!("there is no {tool}")),
            );
        }
        let sum = ["sha256sum", "shasum"]
            .into_iter()
            .find_map(|name| Some((name, found(name)?)));
        let (name, sum) = sum.expect("sha256sum or shasum");
        machine.link(name, &sum);
        machine.is("Linux", "x86_64", Some("glibc 2.39"));
        machine
    }

    fn link(&self, name: &str, program: &Path) {
        symlink(program, self.path("bin").join(name)).expect("a link");
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// What `uname` and `getconf` report.
    pub(super) fn is(&self, system: &str, machine: &str, libc: Option<&str>) {
        let uname = format!("case $1 in -s) echo {system} ;; -m) echo {machine} ;; esac");
        self.tool("uname", &uname);
        match libc {
            Some(libc) => self.tool("getconf", &format!("echo {libc}")),
            None => self.tool("getconf", "exit 1"),
        }
    }

    /// A tool of the test's own.
    pub(super) fn tool(&self, name: &str, script: &str) {
        let path = self.path("bin").join(name);
        // Not through the link to the real one.
        drop(fs::remove_file(&path));
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a program");
    }

    pub(super) fn without(&self, tool: &str) {
        fs::remove_file(self.path("bin").join(tool)).expect("a tool");
    }

    pub(super) fn command(&self, shell: &str, script: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(shell);
        command
            .arg(script)
            .args(args)
            .current_dir(self.dir.path())
            .env_clear()
            .envs(&self.vars)
            .stdin(Stdio::null());
        command
    }

    /// `install.sh` with these arguments: whether it succeeds, and what it prints.
    pub(super) fn install(&self, args: &[&str]) -> (Option<i32>, String) {
        let script = page::path("install.sh");
        let output = self.command("/bin/sh", &script, args).output();
        self.told(&output.expect("sh"))
    }

    pub(super) fn told(&self, output: &Output) -> (Option<i32>, String) {
        let said = [&output.stdout, &output.stderr]
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
            .concat();
        let said = said.replace(&self.dir.path().display().to_string(), "~");
        (output.status.code(), said)
    }

    /// Everything below the home and in the folder for temporary files.
    pub(super) fn files(&self) -> Vec<String> {
        let mut files = vec![];
        let mut folders = vec![self.path("home"), self.path("tmp")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                let name = path.strip_prefix(self.dir.path()).expect("below");
                files.push(name.display().to_string());
                if path.is_dir() {
                    folders.push(path);
                }
            }
        }
        files.sort();
        files
    }
}

/// A program on the PATH of the tests.
pub(super) fn found(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}
