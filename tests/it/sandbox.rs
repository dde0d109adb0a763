//! The sandbox as its user has it: up, status, down, and what can come between.

#[cfg(unix)]
mod strangers;

use std::{
    collections::BTreeMap,
    env, fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use tempfile::TempDir;
use tfbackend::sandbox::{RunningSandbox, Sandbox, SandboxError, SandboxStage};

use crate::support::{emulator, host::Outside, ports::free_port, s3};

/// A sandbox directory of its own; what runs in it ends with the test.
struct World {
    dir: TempDir,
    vars: BTreeMap<String, String>,
    /// Where it is the first time: the sandbox's own choice is any other's, too, while it is down.
    port: u16,
}

impl World {
    fn new() -> Self {
        // The emulator is installed once for all tests.
        Self::with_cache(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"))
    }

    fn with_cache(cache: &Path) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let mut vars: BTreeMap<String, String> = env::vars()
            .filter(|(name, _)| !name.starts_with("TFBACKEND_"))
            .collect();
        vars.insert("XDG_CACHE_HOME".to_owned(), cache.display().to_string());
        vars.insert(
            "TFBACKEND_SANDBOX_DIR".to_owned(),
            dir.path().join("sandbox").display().to_string(),
        );
        Self {
            dir,
            vars,
            port: free_port(),
        }
    }

    fn outside(&self) -> Outside {
        Outside::new(self.dir.path(), self.vars.clone())
    }

    fn sandbox(&self) -> Sandbox {
        Sandbox::locate(&self.outside().host()).expect("a directory")
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("sandbox")
    }

    /// Starts it; the stages that it went through, too.
    async fn up(
        &self,
        port: Option<u16>,
    ) -> Result<(RunningSandbox, bool, Vec<SandboxStage>), SandboxError> {
        let first = !self.path().join("sandbox.json").exists();
        let port = port.or(first.then_some(self.port));
        let mut stages = Vec::new();
        let up = self
            .sandbox()
            .up(port, &mut |stage| stages.push(stage))
            .await?;
        Ok((up.running, up.already, stages))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Ok(Some(running)) = self.sandbox().status() {
            kill(running.pid);
        }
    }
}

fn kill(pid: u32) {
    assert!(
        Command::new("kill")
            .args(["-9", &pid.to_string()])
            .status()
            .expect("kill")
            .success()
    );
}

#[tokio::test]
async fn up_status_up_again_down() {
    let world = World::new();
    let sandbox = world.sandbox();
    assert_eq!(sandbox.status().expect("nothing there"), None);
    assert!(!sandbox.down(false).await.expect("nothing there"));
    assert!(!world.path().exists(), "looking makes nothing");

    let (running, already, _) = world.up(None).await.expect("up");
    assert!(!already);
    assert_eq!(sandbox.status().expect("status").as_ref(), Some(&running));
    let json: serde_json::Value =
        serde_json::from_slice(&fs::read(world.path().join("sandbox.json")).expect("a file"))
            .expect("JSON");
    assert_eq!(json, serde_json::to_value(&running).expect("JSON"));

    let (again, already, stages) = world.up(None).await.expect("up again");
    assert!(already);
    assert_eq!((again, stages), (running.clone(), vec![]));

    assert!(sandbox.down(false).await.expect("down"));
    assert_eq!(sandbox.status().expect("status"), None);
    assert!(!sandbox.down(false).await.expect("down again"));
}

/// What is printed runs as it is: Terraform needs the variables of the sandbox, and the folder that
/// was meant.
#[tokio::test]
async fn printed_commands_of_terraform_are_for_the_sandbox() {
    let world = World::new();
    world.up(None).await.expect("up");
    fs::create_dir(world.dir.path().join("infra")).expect("made");
    let run = |line: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tfbackend"));
        let environment = "--sandbox --chdir infra --env dev --project demo --region us-east-1";
        command
            .args(line.split_whitespace())
            .args(environment.split(' '))
            .current_dir(world.dir.path())
            .env_clear()
            .envs(&world.vars);
        let output = command.stdin(Stdio::null()).output().expect("the program");
        format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
    };
    let made = run(
        "bootstrap -y --trail off --alarms=false --access-logs=false --policy=false --encryption \
         sse-s3 --lock dynamodb",
    );
    assert!(
        made.contains(
            "cd infra && tfbackend sandbox run -- terraform init -backend-config=backend.conf"
        ),
        "{made}"
    );
    let moved = run("lock migrate --to both -y");
    let init = "tfbackend sandbox run -- terraform init -reconfigure -backend-config=backend.conf";
    assert!(
        moved.contains(&format!("Run this wherever the backend is used: {init}")),
        "{moved}"
    );
    let key = run("bootstrap -y --key other.tfstate");
    let joined = key.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        joined.contains(
            "`tfbackend sandbox run -- terraform init -migrate-state -backend-config=backend.conf`"
        ),
        "{key}"
    );
}

/// As on an account, but for what no emulator can show: a note says that, and nothing is open.
/// Profile and role of the settings file are for AWS, and not for the sandbox.
#[tokio::test]
async fn a_new_environment_in_the_sandbox_is_tried_out_without_a_finding() {
    let world = World::new();
    world.up(None).await.expect("up");
    let run = |line: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tfbackend"));
        let environment =
            "--sandbox --env dev --project demo --region us-east-1 --alarm-email ops@example.com";
        command
            .args(line.split_whitespace())
            .args(environment.split(' '))
            .current_dir(world.dir.path())
            .env_clear()
            .envs(&world.vars);
        command.stdin(Stdio::null()).output().expect("the program")
    };
    let credentials = "profile = \"p\"\nrole-arn = \
                       \"arn:aws:iam::123456789012:role/x\"\nconf-credentials = true\n";
    fs::write(
        world.dir.path().join("tfbackend.toml"),
        format!("[env.dev]\n{credentials}"),
    )
    .expect("written");
    let made = run("bootstrap -y");
    assert_eq!(made.status.code(), Some(0), "{made:?}");
    let conf = fs::read_to_string(world.dir.path().join("backend.conf")).expect("a file");
    assert!(
        !conf.contains("assume_role") && !conf.contains("profile"),
        "{conf}"
    );
    let tried = run("verify --probe");
    let said = String::from_utf8_lossy(&tried.stdout);
    assert_eq!(tried.status.code(), Some(0), "{said}");
    assert!(
        said.contains("No findings: ") && said.contains("note: probe-plain-http"),
        "{said}"
    );
    let notes = said.to_string() + &String::from_utf8_lossy(&tried.stderr);
    assert!(
        !notes.contains("calls use") && !notes.contains("calls assume"),
        "{notes}"
    );
}

#[tokio::test]
async fn state_and_credentials_survive_down_and_up() {
    let world = World::new();
    let (running, ..) = world.up(None).await.expect("up");
    s3::client(&running)
        .create_bucket()
        .bucket("kept")
        .send()
        .await
        .expect("made");
    s3::client(&running)
        .put_object()
        .bucket("kept")
        .key("a")
        .body(b"content".to_vec().into())
        .send()
        .await
        .expect("written");
    let credentials = fs::read(&running.credentials_file).expect("credentials");

    world.sandbox().down(false).await.expect("down");
    let (running, ..) = world.up(None).await.expect("up");
    assert_eq!(
        fs::read(&running.credentials_file).expect("credentials"),
        credentials
    );
    let object = s3::client(&running)
        .get_object()
        .bucket("kept")
        .key("a")
        .send()
        .await
        .expect("kept");
    assert_eq!(
        object
            .body
            .collect()
            .await
            .expect("a body")
            .into_bytes()
            .as_ref(),
        b"content"
    );

    world.sandbox().down(true).await.expect("purged");
    assert!(!running.credentials_file.exists());
    let (running, ..) = world.up(None).await.expect("up");
    let buckets = s3::client(&running)
        .list_buckets()
        .send()
        .await
        .expect("a list");
    assert_eq!(buckets.buckets().len(), 0);
}

#[tokio::test]
async fn comes_up_after_it_was_killed() {
    let world = World::new();
    let (first, ..) = world.up(None).await.expect("up");
    s3::client(&first)
        .create_bucket()
        .bucket("kept")
        .send()
        .await
        .expect("made");
    let enabled = VersioningConfiguration::builder()
        .status(BucketVersioningStatus::Enabled)
        .build();
    s3::client(&first)
        .put_bucket_versioning()
        .bucket("kept")
        .versioning_configuration(enabled)
        .send()
        .await
        .expect("set");
    s3::client(&first)
        .put_object()
        .bucket("kept")
        .key("a")
        .body(b"content".to_vec().into())
        .send()
        .await
        .expect("written");
    kill(first.pid);
    while world.sandbox().status().expect("status").is_some() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let (second, already, _) = world.up(None).await.expect("up");
    assert!(!already);
    assert_eq!(second.port, first.port, "written files name the port");
    let versioning = s3::client(&second)
        .get_bucket_versioning()
        .bucket("kept")
        .send()
        .await
        .expect("the administrator was made again");
    assert_eq!(
        versioning.status(),
        Some(&BucketVersioningStatus::Enabled),
        "a bucket keeps more than its objects"
    );
    s3::client(&second)
        .get_object()
        .bucket("kept")
        .key("a")
        .send()
        .await
        .expect("kept");
}

#[tokio::test]
async fn a_process_that_is_not_the_emulator_is_left_alone() {
    let world = World::new();
    let mut bystander = Command::new("sleep").arg("60").spawn().expect("a process");
    fs::create_dir(world.path()).expect("made");
    fs::write(world.path().join("lock"), "").expect("written");
    fs::write(world.path().join("running"), "").expect("written");
    fs::write(
        world.path().join("sandbox.json"),
        format!(r#"{{"port": 1, "pid": {}}}"#, bystander.id()),
    )
    .expect("written");

    assert_eq!(world.sandbox().status().expect("status"), None);
    assert!(!world.sandbox().down(false).await.expect("nothing to end"));
    assert_eq!(bystander.try_wait().expect("a child"), None, "still there");
    bystander
        .kill()
        .and_then(|()| bystander.wait())
        .expect("ended");
}

#[tokio::test]
async fn a_taken_port_is_an_error_that_names_it() {
    let world = World::new();
    let taken = free_port();
    let other = TcpListener::bind(("127.0.0.1", taken)).expect("free");
    let error = world.up(Some(taken)).await.expect_err("taken");
    assert!(
        matches!(error, SandboxError::PortTaken { port } if port == taken),
        "{error}"
    );
    assert_eq!(world.sandbox().status().expect("status"), None);

    // Asked for, then remembered, then taken by somebody else: it does not move unasked.
    drop(other);
    let (running, ..) = world.up(Some(taken)).await.expect("up");
    assert_eq!(running.port, taken);
    let error = world.up(Some(taken + 1)).await.expect_err("runs elsewhere");
    assert!(
        matches!(error, SandboxError::OtherPort { running, asked } if running == taken && asked == taken + 1),
        "{error}"
    );
    world.sandbox().down(false).await.expect("down");
    let _other = TcpListener::bind(("127.0.0.1", taken)).expect("free again");
    let error = world.up(None).await.expect_err("taken");
    assert!(
        matches!(error, SandboxError::PortTaken { port } if port == taken),
        "{error}"
    );
}

#[tokio::test]
async fn without_python_says_what_to_install() {
    let cache = tempfile::tempdir().expect("a directory");
    let mut world = World::with_cache(cache.path());
    world
        .vars
        .insert("PATH".to_owned(), cache.path().display().to_string());
    let error = world.up(None).await.expect_err("no Python").to_string();
    insta::assert_snapshot!(error, @"the sandbox needs Python 3.10 or newer, and PATH has none; install it (`apt install python3 python3-venv`, `dnf install python3`, `brew install python`) or set TFBACKEND_PYTHON");
}

#[tokio::test]
async fn a_cut_off_installation_is_redone_once_for_two_at_once() {
    let shared = World::new();
    shared.up(None).await.expect("installed");
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache/tfbackend");
    let entries = fs::read_dir(cache)
        .expect("a cache")
        .map(|entry| entry.expect("an entry").file_name());
    let mut installed = entries.filter(|name| {
        Path::new(name).extension().is_none() && name.to_string_lossy().starts_with("emulator-")
    });
    let name = installed.next().expect("an installation");

    let cache = tempfile::tempdir().expect("a directory");
    let half = cache.path().join("tfbackend").join(name);
    fs::create_dir_all(half.join("bin")).expect("made");
    std::os::unix::fs::symlink("/bin/false", half.join("bin/python"))
        .expect("a Python that was never finished");

    let (one, two) = (
        World::with_cache(cache.path()),
        World::with_cache(cache.path()),
    );
    let (one, two) = tokio::join!(one.up(Some(free_port())), two.up(Some(free_port())));
    let stages = [one.expect("up").2, two.expect("up").2].concat();
    let installs = stages
        .iter()
        .filter(|stage| matches!(stage, SandboxStage::Installing { .. }))
        .count();
    assert_eq!(installs, 1, "{stages:?}");
}

#[tokio::test]
async fn two_ups_at_once_make_one_emulator() {
    let world = World::new();
    let (one, two) = tokio::join!(world.up(None), world.up(None));
    let (one, two) = (one.expect("up"), two.expect("up"));
    assert_eq!(one.0, two.0);
    assert_ne!(one.1, two.1, "one of them started it");
}

#[tokio::test]
async fn a_directory_with_something_else_in_it_is_refused() {
    let world = World::new();
    fs::create_dir(world.path()).expect("made");
    fs::write(world.path().join("thesis.tex"), "").expect("written");
    let error = world.up(None).await.expect_err("not ours");
    assert!(matches!(error, SandboxError::NotOurs { .. }), "{error}");
    assert!(!world.sandbox().down(true).await.expect("nothing to purge"));
    assert!(world.path().join("thesis.tex").exists());
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn listens_on_loopback_only() {
    let world = World::new();
    let (running, ..) = world.up(None).await.expect("up");
    let fds = fs::read_dir(format!("/proc/{}/fd", running.pid)).expect("its files");
    let links = fds.filter_map(|fd| {
        fs::read_link(fd.ok()?.path())
            .ok()?
            .to_str()
            .map(str::to_owned)
    });
    let sockets: Vec<String> = links
        .filter_map(|link| Some(link.strip_prefix("socket:[")?.strip_suffix("]")?.to_owned()))
        .collect();
    let tables = ["tcp", "tcp6", "udp", "udp6"]
        .map(|name| fs::read_to_string(format!("/proc/net/{name}")).unwrap_or_default());
    // Local address is the second column, remote address the third, inode the tenth.
    let listening: Vec<String> = tables
        .iter()
        .flat_map(|table| table.lines().skip(1))
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|columns| {
            columns[2].ends_with(":0000") && sockets.iter().any(|inode| inode == columns[9])
        })
        .map(|columns| columns[1].to_owned())
        .collect();
    assert_eq!(listening, [format!("0100007F:{:04X}", running.port)]);
}

#[tokio::test]
async fn a_command_runs_in_it_and_its_status_is_given_on() {
    let mut world = World::new();
    world
        .up(None)
        .await
        .expect("installed, over the network as it is");
    world.sandbox().down(false).await.expect("down");
    world
        .vars
        .insert("AWS_PROFILE".to_owned(), "prod".to_owned());
    world
        .vars
        .insert("HTTPS_PROXY".to_owned(), "http://127.0.0.1:9".to_owned());
    let outside = world.outside();
    let error = outside
        .sandbox(&["run", "--", "true"])
        .await
        .expect_err("not running")
        .to_string();
    assert_eq!(
        error,
        "the sandbox is not running; start it with `tfbackend sandbox up`"
    );
    assert_eq!(outside.sandbox(&["status"]).await.expect("said"), 2);

    assert_eq!(outside.sandbox(&["up"]).await.expect("up"), 0);
    // Python checks the certificate, and the administrator may do everything.
    let script = "import boto3; boto3.client('s3').create_bucket(Bucket='x' * 5, \
                  CreateBucketConfiguration={'LocationConstraint': 'eu-west-1'}); open('who', \
                  'w').write(boto3.client('sts').get_caller_identity()['Arn'])";
    let python = emulator::python().display().to_string();
    assert_eq!(
        outside
            .sandbox(&["run", "--", &python, "-c", script])
            .await
            .expect("run"),
        0
    );
    assert_eq!(
        fs::read_to_string(world.dir.path().join("who")).expect("written"),
        "arn:aws:iam::000000000000:user/admin"
    );
    assert_eq!(
        outside
            .sandbox(&["run", "--", "sh", "-c", "exit 7"])
            .await
            .expect("run"),
        7
    );

    let endpoint = world
        .sandbox()
        .status()
        .expect("status")
        .expect("runs")
        .endpoint;
    outside.take_out();
    assert_eq!(outside.sandbox(&["status"]).await.expect("said"), 0);
    let status = outside.take_out();
    let check = format!(
        "{status}\n{python} -c \"import boto3; \
         print(boto3.client('s3').list_buckets()['Buckets'][0]['Name'])\""
    );
    let shell = Command::new("sh")
        .args(["-euc", &check])
        .envs(&world.vars)
        .stderr(Stdio::inherit())
        .output()
        .expect("a shell");
    assert_eq!(
        String::from_utf8_lossy(&shell.stdout),
        "xxxxx\n",
        "{status}"
    );

    assert_eq!(outside.sandbox(&["down"]).await.expect("down"), 0);
    let err: Vec<String> = outside
        .take_err()
        .lines()
        .map(|line| line.replace(&endpoint, "ENDPOINT"))
        .collect();
    let said = err
        .iter()
        .filter(|line| !line.starts_with("installing the emulator"))
        .map(String::as_str)
        .collect::<Vec<_>>();
    insta::assert_snapshot!(said.join("\n"), @r#"
    starting the emulator
    the sandbox is running: ENDPOINT (account 000000000000, region eu-west-1)
    next: `tfbackend bootstrap --sandbox`; point another tool at it: `tfbackend sandbox run -- COMMAND`, or `eval "$(tfbackend sandbox status)"`
    stopped the sandbox; its state is kept
    "#);
}

/// For a program: one document, and nothing beside it. What nothing says is the sandbox's, its
/// region too.
#[tokio::test]
async fn a_program_reads_where_it_is_and_which_region_counts() {
    let world = World::new();
    let output = |line: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tfbackend"));
        command
            .args(line.split_whitespace())
            .current_dir(world.dir.path())
            .env_clear();
        command.envs(
            world
                .vars
                .iter()
                .filter(|(name, _)| !name.starts_with("AWS_")),
        );
        let output = command.stdin(Stdio::null()).output().expect("the program");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{line}");
        output.stdout
    };
    let run =
        |line: &str| serde_json::from_slice::<serde_json::Value>(&output(line)).expect("JSON");
    let up = run(&format!("sandbox up --port {} --output json", world.port));
    let running = world.sandbox().status().expect("status").expect("it runs");
    assert_eq!(
        (&up["running"], &up["endpoint"], &up["region"]),
        (
            &true.into(),
            &running.endpoint.clone().into(),
            &running.region.clone().into()
        )
    );
    assert_eq!(
        (&up["process"], &up["set"]["AWS_ENDPOINT_URL"]),
        (&running.pid.into(), &running.endpoint.clone().into())
    );
    assert_eq!(run("sandbox status --output json"), up);

    let shown = run("config show --sandbox --env dev --project acme --output json");
    let region = shown["settings"]
        .as_array()
        .expect("rows")
        .iter()
        .find(|row| row["name"] == "region")
        .expect("a region");
    assert_eq!(
        (&region["value"], &region["origin"]["from"]),
        (&running.region.into(), &"sandbox".into())
    );
    let plan = run("plan --sandbox --env dev --project acme --output json");
    assert_eq!(plan["region"], region["value"]);

    // Its files say that it is there: the next steps name the sandbox.
    output(
        "bootstrap --sandbox --env dev --project acme --lock s3 --alarms=false --trail off \
         --access-logs=false -y --output json",
    );
    let next = run("--output json")["next"].clone();
    let next: Vec<&str> = next
        .as_array()
        .expect("commands")
        .iter()
        .filter_map(|line| line.as_str())
        .collect();
    assert_eq!(
        next,
        [
            "tfbackend sandbox run -- terraform init -backend-config=backend.conf",
            "tfbackend verify --env dev --sandbox",
            "tfbackend state list --sandbox",
            "tfbackend --help"
        ]
    );
    for line in &next[1..3] {
        let line = line.strip_prefix("tfbackend ").expect("our own");
        run(&format!("{line} --output json"));
    }

    let down = run("sandbox down --output json");
    assert_eq!(
        (&down["running"], &down["was_running"], &down["purged"]),
        (&false.into(), &true.into(), &false.into())
    );
}
