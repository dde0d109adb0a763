//! How many calls each command makes, and which, as `docs/internals/calls.md` lists them; and how many of
//! them one after the other.

use std::{
    env, fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tfbackend::state::lock::LockInfo;

use super::counted;
use crate::support::{
    chain::{Trip, longest},
    emulator::Emulator,
    program::Place,
    proxy::{Exchange, Proxy, Reply},
    recorder::Call,
    user::User,
};

const LINE: &str = "--env prod --project acme --region eu-west-1 --lock both --alarm-email \
                    ops@example.com --attach-to user/terraform";
const BUCKET: &str = "acme-tfstate-prod-000000000000-eu-west-1";
const TABLE: &str = "acme-tfstate-prod-locks";
const EMPTY: &str = r#"{"version":4,"serial":1,"lineage":"local","outputs":{},"resources":[]}"#;
const LOCK: &str = "5e2d4b6e-7d3f-0b0c-9a51-3c1a6a2c5f10";
/// Far more than the emulator and this machine take for all the calls that are made at once.
const ROUND: Duration = Duration::from_millis(3000);
/// Who calls, and what there is.
const DEEPEST: usize = 3;

/// Answers come at the end of a round, so that calls that depend on nothing end together.
#[derive(Default)]
struct Rounds {
    on: AtomicBool,
    since: Mutex<Option<Instant>>,
}

impl Rounds {
    fn reply(&self) -> Reply {
        if !self.on.load(Ordering::SeqCst) {
            return Reply::Forward;
        }
        let since = *self
            .since
            .lock()
            .expect("a time")
            .get_or_insert_with(Instant::now);
        let rounds =
            u32::try_from(since.elapsed().as_nanos() / ROUND.as_nanos()).expect("a few") + 1;
        Reply::Delay(ROUND * rounds - since.elapsed(), Box::new(Reply::Forward))
    }
}

/// The whole program, each of whose calls is written down.
struct World {
    emulator: Emulator,
    place: Place,
    proxy: Proxy,
    rounds: Arc<Rounds>,
    commands: Vec<(String, Vec<Call>)>,
}

impl World {
    async fn new() -> Self {
        let emulator = Emulator::start().await;
        User::make(&emulator, "terraform").await;
        let mut place = Place::with(&emulator);
        let rounds = Arc::new(Rounds::default());
        let round = Arc::clone(&rounds);
        let proxy = Proxy::start(Some(&emulator), move |_, _| round.reply());
        place.set("AWS_ENDPOINT_URL", proxy.endpoint());
        Self {
            emulator,
            place,
            proxy,
            rounds,
            commands: vec![],
        }
    }

    /// What it calls.
    #[track_caller]
    fn run(&self, line: &str, codes: &[i32]) -> Vec<Exchange> {
        self.proxy.take_record();
        let args: Vec<&str> = line.split(' ').collect();
        let said = self.place.run(&args);
        assert!(
            said.code.is_some_and(|code| codes.contains(&code)),
            "{line}: {}\n{}",
            said.all(),
            self.emulator.log()
        );
        self.proxy.take_record()
    }

    /// One for the page, under its name there.
    #[track_caller]
    fn counts(&mut self, name: &str, line: &str) {
        let calls = self
            .run(line, &[0])
            .into_iter()
            .map(|exchange| exchange.call)
            .collect();
        self.commands.push((name.to_owned(), calls));
    }

    /// The same for a command that changes nothing and has no sequential calls beyond [`DEEPEST`].
    #[track_caller]
    fn counts_and_is_not_deep(&mut self, name: &str, line: &str, codes: &[i32]) {
        *self.rounds.since.lock().expect("a time") = None;
        self.rounds.on.store(true, Ordering::SeqCst);
        let record = self.run(line, codes);
        self.rounds.on.store(false, Ordering::SeqCst);
        let calls: Vec<Call> = record
            .iter()
            .map(|exchange| exchange.call.clone())
            .collect();
        assert_eq!(
            calls
                .iter()
                .filter(|call| call.is_write())
                .collect::<Vec<_>>(),
            Vec::<&Call>::new(),
            "{name}"
        );
        let trips = record.iter().map(|exchange| Trip {
            name: exchange.call.name(),
            start: exchange.start,
            end: exchange.end.expect("it was answered"),
        });
        let chain = longest(trips.collect());
        assert_eq!(chain.len(), DEEPEST, "{name}: {chain:?}");
        self.commands.push((name.to_owned(), calls));
    }

    fn state(&self, what: &str, lock: &[&str]) {
        self.emulator.python(
            "tests/it/idempotence/states.py",
            &[&[what, BUCKET, TABLE], lock].concat(),
        );
    }
}

#[tokio::test]
async fn each_command_calls_what_is_documented() {
    let mut world = World::new().await;
    for line in [
        "--help",
        "--version",
        "version",
        "bootstrap --help",
        "completions bash",
        "man",
        "config show --env prod --project acme",
    ] {
        assert_eq!(world.run(line, &[0, 1]).len(), 0, "{line}");
    }
    assert_eq!(
        world
            .run(&format!("config init {LINE} --non-interactive"), &[0])
            .len(),
        0
    );

    world.counts("plan", "plan --env prod");
    world.counts("bootstrap", "bootstrap --env prod -y");
    world.state("write", &[]);
    world.counts_and_is_not_deep("bootstrap (nothing to do)", "bootstrap --env prod -y", &[0]);
    world.counts_and_is_not_deep("verify", "verify --env prod", &[0, 2]);
    let probed = world
        .run("verify --env prod --probe", &[0, 2])
        .into_iter()
        .map(|exchange| exchange.call)
        .collect();
    world.commands.push(("verify --probe".to_owned(), probed));
    world.counts("render", "render --env prod");

    world.counts("state list", "state list --env prod");
    world.counts("state versions", "state versions --env prod");
    world.counts("state show", "state show --env prod");
    world.counts("state diff", "state diff previous current --env prod");
    world.counts("state pull", "state pull --env prod --out pulled.json");
    world.counts("state backup", "state backup --env prod");
    world.counts("state check", "state check --env prod");
    world.counts("state restore", "state restore --env prod --serial 1 -y");

    let info = LockInfo {
        id: LOCK.to_owned(),
        who: "ops@home".to_owned(),
        created: Some(Timestamp::now()),
        ..LockInfo::default()
    };
    world.state("lock", &[&info.to_go_json()]);
    world.counts("lock list", "lock list --env prod");
    world.counts("lock show", "lock show --env prod");
    world.counts(
        "lock release",
        &format!("lock release --env prod --id {LOCK} -y"),
    );
    world.counts(
        "lock migrate --to both",
        "lock migrate --env prod --to both -y",
    );
    world.state("write-under-lock", &[&info.to_go_json()]);
    world.counts(
        "lock migrate --to s3 --check",
        "lock migrate --env prod --to s3 --check",
    );
    world.counts("lock migrate --to s3", "lock migrate --env prod --to s3 -y");

    let local = world.place.path().join("local");
    fs::create_dir(&local).expect("made");
    fs::write(local.join("terraform.tfstate"), EMPTY).expect("written");
    let to = format!("--from local:local --to s3://{BUCKET}/moved/terraform.tfstate");
    world.counts("migrate --plan", &format!("migrate {to} --plan"));
    world.counts("migrate", &format!("migrate {to} -y"));

    world.counts("teardown --plan", "teardown --env prod --plan");
    world.counts(
        "teardown",
        &format!("teardown --env prod --unprotect --confirm {BUCKET}"),
    );
    must_be_documented(&world.commands);
}

fn must_be_documented(commands: &[(String, Vec<Call>)]) {
    let calls = |name: &str| {
        commands
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, calls)| calls.as_slice())
            .expect(name)
    };
    let of = |name: &str, writes: bool| {
        calls(name)
            .iter()
            .filter(|call| call.is_write() == writes)
            .cloned()
            .collect::<Vec<_>>()
    };
    let mut page = HEAD.to_owned();
    for (name, calls) in commands {
        let writes = calls.iter().filter(|call| call.is_write()).count();
        page.push_str(&format!(
            "| `{name}` | {} | {writes} |\n",
            calls.len() - writes
        ));
    }
    let bootstrap = [
        (WRITES, of("bootstrap", true)),
        (READS, of("bootstrap", false)),
        (AGAIN, of("bootstrap (nothing to do)", false)),
    ];
    for (head, calls) in bootstrap {
        page.push_str(&format!("{head}{}", table(&calls, true)));
    }
    for (name, calls) in commands
        .iter()
        .filter(|(name, _)| !name.starts_with("bootstrap"))
    {
        page.push_str(&format!("\n## `{name}`\n\n{}", table(calls, false)));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/internals/calls.md");
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &page).expect("written");
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/internals/calls.md does not match the calls of the program; run the tests with UPDATE_DOCS=1. \
         It calls:\n{page}"
    );
}

fn table(calls: &[Call], actions: bool) -> String {
    let calls: Vec<Call> = calls
        .iter()
        .map(|call| Call {
            expected_owner: None,
            ..call.clone()
        })
        .collect();
    let mut table = String::from(if actions {
        "| operation | times | IAM action |\n| --- | --- | --- |\n"
    } else {
        "| operation | times |\n| --- | --- |\n"
    });
    for (call, times) in counted(&calls) {
        // Everybody may ask who they are.
        let action = match (actions, call.service == "sts") {
            (false, _) => String::new(),
            (true, true) => " none needed |".to_owned(),
            (true, false) => format!(" `{}` |", call.action()),
        };
        table.push_str(&format!(
            "| {} {} | {times} |{action}\n",
            call.service, call.operation
        ));
    }
    table
}

const HEAD: &str = "\
<!-- Made from the calls of the program by a test; run the tests with UPDATE_DOCS=1 to update it. \
                    -->
# What tfbackend calls

Counted with the defaults, `--lock both`, one e-mail address for the alarms and one principal to \
                    attach the policy to: the first
`plan` and `bootstrap` run on an empty account, all other commands on the created backend, with \
                    one state of two versions; after `migrate`
from a local file, with a second state.
Options that turn off a resource also omit its calls. Each S3 call to an existing bucket has the \
                    header
`x-amz-expected-bucket-owner`, so that it never reaches a bucket of another account.

`bootstrap` without changes and `verify` without `--probe` write nothing and take three sequential \
                    round trips: one for the
caller identity, and two to read all resources. The [plan](../concepts/plans.md#how-long-it-takes) of a \
                    `bootstrap` shows its round trips.
Commands that are not listed make no calls, except `self-check`: it calls `sts:GetCallerIdentity`, \
                    and `iam:ListAccountAliases`
for the alias of the account, which may be denied, and sends one unsigned request to the endpoint \
                    of each service.
A `bootstrap` that asks questions reads the alias, too.

If the folder has no files of tfbackend yet, the state key is listed in parallel to the other \
                    reads. If objects exist there, up
to four more calls read them, without an additional round trip. If the folder has files, the lock \
                    on its state is read, which may
be the lock of a teardown.

| command | reads | writes |
| --- | --- | --- |
";

const WRITES: &str = "
## Writes of a first `bootstrap`

The IAM action that each call requires. A call that creates a resource with tags also requires
the tagging action of the service.

";

const READS: &str = "
## Reads of a first `bootstrap`

All resources are read before the writes and again after them; one read waits for the table. A \
                     repair makes the same reads, and one write for each setting that differs.

";

const AGAIN: &str = "
## Reads of a `bootstrap` with nothing to do

";
