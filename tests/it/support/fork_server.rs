//! The Python programs of the tests, each forked from one Python that has imported what they need.
//!
//! One fork server serves a run of the tests, whose processes find it by a file in the target
//! folder, and ends with the run.

use std::{
    env,
    fs::{self, File, Permissions},
    io::{self, BufRead, BufReader, Read, Write},
    net::Shutdown,
    os::{
        fd::OwnedFd,
        unix::{
            ffi::OsStrExt,
            fs::PermissionsExt,
            net::{UnixListener, UnixStream},
            process::parent_id,
        },
    },
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use super::emulator::python;

const SERVER: &str = "tests/it/support/fork_server.py";
/// Has the folder of each server that runs, by the run.
const RECORDS: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/fork-servers");

/// A Python program, and all that it may know of its surroundings.
pub(crate) struct Program<'a> {
    /// Its path, for messages.
    pub name: &'a str,
    pub text: &'a str,
    pub args: &'a [String],
    /// Its whole environment, an object.
    pub vars: Value,
    pub dir: &'a Path,
    /// Where its output goes; `None` returns it at the end.
    pub log: Option<&'a Path>,
}

/// How a program ended, and what it said.
pub(crate) struct Ran {
    pub status: i64,
    pub out: String,
    pub err: String,
}

/// A process that runs a [`Program`]. It is ended when this is dropped, or when this process is
/// gone, however that came about.
pub(crate) struct Forked {
    connection: BufReader<UnixStream>,
    pid: u32,
}

impl Forked {
    /// # Panics
    /// If there can be no server, with what it said.
    pub(crate) fn start(program: &Program<'_>) -> Self {
        let Program {
            name,
            text,
            args,
            vars,
            dir,
            log,
        } = program;
        let asked = json!({ "name": name, "text": text, "args": args, "vars": vars, "dir": dir, "log": log }).to_string();
        // One that another test found may be gone by now.
        Self::ask(&asked)
            .or_else(|_| Self::ask(&asked))
            .unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn ask(asked: &str) -> io::Result<Self> {
        let Server {
            mut connection,
            log,
            ..
        } = Server::of_this_run()?;
        let sent = writeln!(connection, "{asked}");
        let mut connection = BufReader::new(connection);
        let mut line = String::new();
        let said = sent
            .and_then(|()| connection.read_line(&mut line))
            .and_then(|_| line.trim().parse().map_err(io::Error::other));
        match said {
            Ok(pid) => Ok(Self { connection, pid }),
            Err(error) => Err(io::Error::other(format!(
                "{SERVER}: {error}\n{}",
                io::read_to_string(log)?
            ))),
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.pid
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.connection
            .get_ref()
            .set_nonblocking(true)
            .expect("a socket");
        let goes_on = matches!(self.connection.fill_buf(), Err(error) if error.kind() == io::ErrorKind::WouldBlock);
        self.connection
            .get_ref()
            .set_nonblocking(false)
            .expect("a socket");
        !goes_on
    }

    /// Waits until it ends.
    pub(crate) fn wait(mut self) -> Ran {
        let mut line = String::new();
        self.connection
            .read_line(&mut line)
            .expect("the fork server");
        let (status, out, err) = serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("{SERVER} has ended: {error}: {line:?}"));
        Ran { status, out, err }
    }
}

impl Drop for Forked {
    fn drop(&mut self) {
        // Each fails only if it has ended already, or does not end.
        let _ = self.connection.get_ref().shutdown(Shutdown::Write);
        let _ = self
            .connection
            .get_ref()
            .set_read_timeout(Some(Duration::from_secs(10)));
        let _ = self.connection.read_to_end(&mut Vec::new());
    }
}

/// A fork server, and a connection to it.
struct Server {
    /// Its own, and closed to other users: who can write to its socket runs programs.
    folder: PathBuf,
    /// What it said. The folder goes with it, an open file does not.
    log: File,
    connection: UnixStream,
}

impl Server {
    /// Starts it, if no other test of the run has.
    fn of_this_run() -> io::Result<Self> {
        // A run by `cargo test` is one process.
        let (run, owner) = match env::var("NEXTEST_RUN_ID") {
            Ok(run) => (run, parent_id()),
            Err(_) => (process::id().to_string(), process::id()),
        };
        fs::create_dir_all(RECORDS)?;
        let lock = File::create(Path::new(RECORDS).join("lock"))?;
        lock.lock()?;
        let record = Path::new(RECORDS).join(run);
        if let Ok(folder) = fs::read_to_string(&record)
            && let Ok(server) = Self::in_folder(folder.into())
        {
            return Ok(server);
        }
        let folder = tempfile::Builder::new()
            .permissions(Permissions::from_mode(0o700))
            .tempdir()?
            .keep();
        fs::write(&record, folder.as_os_str().as_bytes())?;
        let listener = UnixListener::bind(folder.join("socket"))?;
        let log = File::create(folder.join("log"))?;
        let server = Self::in_folder(folder)?;
        let mut command = Command::new(python());
        command
            .arg("-I")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(SERVER))
            .args([&server.folder, &record])
            .arg(owner.to_string());
        command
            .env_clear()
            .stdin(OwnedFd::from(listener))
            .stdout(log.try_clone()?)
            .stderr(log);
        let status = command.status()?;
        if !status.success() {
            return Err(io::Error::other(format!("{SERVER}: {status}")));
        }
        Ok(server)
    }

    fn in_folder(folder: PathBuf) -> io::Result<Self> {
        let log = File::open(folder.join("log"))?;
        let connection = UnixStream::connect(folder.join("socket"))?;
        Ok(Self {
            folder,
            log,
            connection,
        })
    }
}

/// Runs a script, its path in this package, in this environment and no other.
pub(crate) fn run_script(script: &str, args: &[&str], vars: Value) -> Ran {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = package.join(script);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{script}: {error}"));
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    let name = path.display().to_string();
    Forked::start(&Program {
        name: &name,
        text: &text,
        args: &args,
        vars,
        dir: package,
        log: None,
    })
    .wait()
}

#[test]
fn status_and_outputs_of_a_forked_program_are_returned() {
    let args = ["b".to_owned()];
    let program = |text| Program {
        name: "a.py",
        text,
        args: &args,
        vars: json!({ "C": "d" }),
        dir: Path::new("/"),
        log: None,
    };
    let text =
        "import os, sys; print(sys.argv, dict(os.environ), os.getcwd(), __name__); sys.exit('no')";
    let Ran { status, out, err } = Forked::start(&program(text)).wait();
    assert_eq!(
        (status, &*out, &*err),
        (1, "['a.py', 'b'] {'C': 'd'} / __main__\n", "no\n")
    );
    let Ran { status, out, err } =
        Forked::start(&program("import os; os.kill(os.getpid(), 9)")).wait();
    assert_eq!((status, &*out, &*err), (-9, "", ""));
    let Ran { status, err, .. } = Forked::start(&program("1 / 0")).wait();
    assert!(
        status == 1 && err.ends_with("ZeroDivisionError: division by zero\n"),
        "{status} {err}"
    );
}

#[test]
fn fork_server_is_closed_to_other_users() {
    let server = Server::of_this_run().expect("a server");
    let mode = fs::metadata(&server.folder)
        .expect("its folder")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn fork_server_ends_with_its_run() {
    let name = format!(
        "{}::fork_server_is_closed_to_other_users",
        module_path!().split_once("::").expect("a module").1
    );
    let mut run = Command::new(env::current_exe().expect("this program"));
    let mut run = run
        .args(["--exact", &name])
        .env_remove("NEXTEST_RUN_ID")
        .stdout(Stdio::null())
        .spawn()
        .expect("run");
    let record = Path::new(RECORDS).join(run.id().to_string());
    assert!(run.wait().expect("it ends").success());
    let folder = fs::read_to_string(&record);
    // As long as anything takes on a busy machine.
    for _ in 0..1200 {
        if !record.exists()
            && !folder
                .as_ref()
                .is_ok_and(|folder| Path::new(folder).exists())
        {
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("the fork server is still there: {folder:?}");
}
