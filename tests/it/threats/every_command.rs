//! Every command once, with all that can be logged, under credentials that were made up for it:
//! what was called, said and written.

use std::{collections::BTreeSet, fs, path::Path};

use crate::support::{
    emulator::Emulator,
    program::Place,
    proxy::{Exchange, Proxy, Reply},
    recorder::Call,
};

const BUCKET: &str = "acme-tfstate-dev-000000000000-eu-west-1";
const SETTINGS: &str = "[env.dev]\nproject = \"acme\"\nregion = \"eu-west-1\"\nlock = \
                        \"both\"\nephemeral = true\nalarm-email = [\"ops@example.com\"]\n";
const LOCK: &str = "00000000-0000-4000-8000-000000000001";

/// One command, and what came of it.
struct Ran {
    line: String,
    code: Option<i32>,
    calls: Vec<Call>,
}

struct Journey {
    place: Place,
    proxy: Proxy,
    said: String,
    ran: Vec<Ran>,
}

impl Journey {
    fn goes(&mut self, line: &str) {
        let args: Vec<&str> = line.split(' ').chain(["--env", "dev", "-vvv"]).collect();
        let output = self.place.command(&args).output().expect("the program");
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        let calls = self
            .proxy
            .take_record()
            .into_iter()
            .map(|Exchange { call, .. }| call)
            .collect();
        assert!(
            matches!(output.status.code(), Some(0 | 2)),
            "{line}: {:?}\n{said}",
            output.status
        );
        self.ran.push(Ran {
            line: line.to_owned(),
            code: output.status.code(),
            calls,
        });
        self.said += &said;
    }
}

/// All bytes of all files, and of what is packed in archives.
fn contents(folder: &Path) -> Vec<u8> {
    let mut all = vec![];
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            all.extend(contents(&path));
            continue;
        }
        let bytes = fs::read(&path).expect("a file");
        if path.extension().is_some_and(|extension| extension == "zst") {
            all.extend(zstd::decode_all(&*bytes).expect("an archive"));
        }
        all.extend(bytes);
    }
    all
}

#[tokio::test]
async fn threat_01_keeps_to_its_account_and_tells_no_secret() {
    let emulator = Emulator::start().await;
    let keys: [String; 3] =
        serde_json::from_str(&emulator.python("tests/it/threats/world.py", &["session"]))
            .expect("JSON");
    let proxy = Proxy::start(Some(&emulator), |_, _| Reply::Forward);
    let mut place = Place::with(&emulator);
    place.vars.retain(|name, _| {
        !name.starts_with("AWS_SHARED") && !name.starts_with("AWS_CONFIG") && name != "AWS_PROFILE"
    });
    for (name, value) in [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    ]
    .iter()
    .zip(&keys)
    {
        place.set(name, value);
    }
    for (name, value) in [
        ("AWS_ENDPOINT_URL", proxy.endpoint()),
        ("TFBACKEND_LOG", "trace"),
        ("RUST_LOG", "trace"),
    ] {
        place.set(name, value);
    }
    fs::write(place.path().join("tfbackend.toml"), SETTINGS).expect("written");
    let folder = place.path().parent().expect("a folder").to_owned();
    let mut journey = Journey {
        place,
        proxy,
        said: String::new(),
        ran: vec![],
    };
    for line in [
        "config show",
        "plan",
        "plan --out saved.json",
        "bootstrap -y",
    ] {
        journey.goes(line);
    }
    emulator.python("tests/it/threats/world.py", &["states"]);
    let release = format!("lock release --id {LOCK} -y");
    let gone = format!("teardown --purge-states --backup all-versions --confirm {BUCKET}");
    for line in [
        "render --check",
        "verify --read-states",
        "verify --probe",
        "state list",
        "state versions",
        "state show",
        "state diff previous current",
        "state pull --out pulled.json",
        "state backup --all-versions",
        "state check",
        "lock list",
        "lock show",
        &release,
        "state restore --serial 1 -y",
        "state check --repair -y",
        "lock migrate --to s3 --check",
        "teardown --plan",
        &gone,
    ] {
        journey.goes(line);
    }
    let Journey { said, ran, .. } = journey;

    // Threat 1: every call to a bucket says whose it must be.
    for Ran { line, calls, .. } in &ran {
        for call in calls.iter().filter(|call| call.service == "s3") {
            let of_a_bucket = !["CreateBucket", "GetAccountPublicAccessBlock", "ListBuckets"]
                .contains(&&*call.operation);
            let owner = of_a_bucket.then_some("000000000000");
            assert_eq!(
                call.expected_owner.as_deref(),
                owner,
                "{line}: {}",
                call.name()
            );
        }
    }
    let called: BTreeSet<String> = ran
        .iter()
        .flat_map(|ran| &ran.calls)
        .map(Call::name)
        .collect();
    for operation in [
        "s3:GetObject",
        "s3:PutObject",
        "s3:DeleteObjects",
        "s3:DeleteObject",
        "s3:ListObjectVersions",
        "s3:HeadObject",
    ] {
        assert!(called.contains(operation), "{operation}: {called:?}");
    }
    // What looks, writes nothing.
    let writes = |ran: &Ran| {
        ran.calls
            .iter()
            .filter(|call| call.is_write() && call.operation != "Scan")
            .map(Call::name)
            .collect()
    };
    for ran in &ran {
        let looks = [
            "bootstrap",
            "verify --probe",
            "lock release",
            "state restore",
            "state check --repair",
            "teardown --purge",
        ];
        let expected = looks.iter().any(|writes| ran.line.starts_with(writes));
        let writes: Vec<String> = writes(ran);
        assert!(expected || writes.is_empty(), "{}: {writes:?}", ran.line);
        assert_eq!(
            ran.calls
                .first()
                .map(Call::name)
                .as_deref()
                .unwrap_or("sts:GetCallerIdentity"),
            "sts:GetCallerIdentity",
            "{}",
            ran.line
        );
    }

    // Threat 7: neither in what was said, nor in any file.
    assert!(
        said.contains("kms:CreateKey") && said.contains("DEBUG"),
        "calls are logged: {said}"
    );
    let written = contents(&folder);
    let find = |bytes: &[u8], secret: &str| {
        bytes
            .windows(secret.len())
            .any(|window| window == secret.as_bytes())
    };
    assert!(
        find(&written, "terraform_data") && find(&written, "saved_plan"),
        "the files were read"
    );
    for secret in &keys {
        assert!(
            !find(said.as_bytes(), secret) && !find(&written, secret),
            "{secret}"
        );
    }
    for Ran { line, code, .. } in &ran {
        let may_say_no = ["verify", "state check", "lock migrate"]
            .iter()
            .any(|command| line.starts_with(command));
        assert!(*code == Some(0) || may_say_no, "{line}: {code:?}");
    }
}
