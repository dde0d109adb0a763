//! A migration of the locks that is cut off in any stage: the next run ends it, with files and
//! table that fit each other.

use std::{
    fs,
    process::{Command, Output, Stdio},
};

use tfbackend::terraform::write::header::restamp;

use super::{Cut, Cuts, cut_off, was_cut};
use crate::{
    faults::holds,
    support::{
        backend::{Backend, said},
        parts::{Part, in_parts},
        proxy::Exchange,
    },
};

const TABLE: &str = "acme-tfstate-prod-locks";
const SCRIPT: &str = "tests/it/faults/cut/migrate.py";
/// In each stage, where it is not soaked.
const SAMPLE: usize = 1;

in_parts! { fn cut_off_anywhere_the_next_migration_goes_on: cut in only }

/// What is there before a stage, and how it is asked for.
#[derive(Clone, Copy)]
struct Stage {
    from: &'static str,
    line: &'static str,
    /// What is left in the table, beside digests, and the rights of runs.
    left: &'static str,
    /// What the settings file says then.
    lock: &'static str,
}

const DIGEST: &str = "acme-tfstate-prod-000000000000-eu-west-1/terraform.tfstate-md5\n";
const STAGES: [Stage; 4] = [
    Stage {
        from: "table",
        line: "--to both",
        left: "since\nrights LockItems ReleaseLockFiles\n",
        lock: "both",
    },
    Stage {
        from: "both",
        line: "--to dynamodb",
        left: "not since\nrights LockItems ReleaseLockFiles\n",
        lock: "dynamodb",
    },
    Stage {
        from: "both",
        line: "--to s3",
        left: "not since\nrights ReleaseLockFiles\n",
        lock: "s3",
    },
    Stage {
        from: "both",
        line: "--to s3 --drop-table",
        left: "no table\nrights ReleaseLockFiles\n",
        lock: "s3",
    },
];
const POLICY: &str = "acme-tfstate-prod-runner-eu-west-1";

const SETTINGS: &str = "project = \"acme\"\nregion = \"eu-west-1\"\n[env.prod]\nlock = \"both\" # \
                        moved by lock migrate\n";

struct World {
    backend: Backend,
    bucket: String,
    /// `backend.conf` where both locks are in use.
    both: String,
}

impl World {
    fn conf(&self) -> String {
        fs::read_to_string(self.backend.dir().join("backend.conf")).expect("a file")
    }

    fn set_conf(&self, text: &str) {
        fs::write(self.backend.dir().join("backend.conf"), text).expect("written");
    }

    fn table(&self, stage: &[&str]) -> String {
        self.backend
            .emulator
            .python(SCRIPT, &[&[&*self.bucket, TABLE, POLICY], stage].concat())
    }

    fn settings(&self) -> String {
        fs::read_to_string(self.backend.dir().join("tfbackend.toml")).expect("a file")
    }

    /// A stage in one piece.
    fn must(&self, line: &'static str) -> Result<(), String> {
        let output = self
            .command(Stage {
                from: "",
                line,
                left: "",
                lock: "",
            })
            .output()
            .expect("the program");
        holds(output.status.success(), || {
            format!("{line}: {}", said(&output))
        })
    }

    /// As before the stage, with the table, which an earlier run may have deleted.
    fn reset(&self, stage: Stage) -> Result<(), String> {
        self.set_conf(&self.both);
        // The table, the rights and the settings come back as a migration makes them.
        self.must("--to both")?;
        holds(
            self.conf() == self.both && self.settings() == SETTINGS,
            || self.conf() + &self.settings(),
        )?;
        if stage.from == "table" {
            self.must("--to dynamodb")?;
            self.must("--to dynamodb")?;
        }
        self.table(&[stage.from]);
        Ok(())
    }

    /// Calls what the files say, which is another endpoint for as long as it runs.
    fn migrate(&self, stage: Stage, cut: Option<Cut>) -> (Output, Vec<Exchange>) {
        let emulator = &self.backend.emulator;
        let direct = emulator.endpoint();
        let mut behind = String::new();
        let (output, calls) = cut_off(emulator, cut, |endpoint| {
            endpoint.clone_into(&mut behind);
            // It stays tfbackend's own.
            self.set_conf(&restamp(&self.conf().replace(direct, endpoint)));
            let mut command = self.command(stage);
            command.env("AWS_ENDPOINT_URL", endpoint);
            command
        });
        self.set_conf(&restamp(&self.conf().replace(&behind, direct)));
        (output, calls)
    }

    fn command(&self, stage: Stage) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tfbackend"));
        command
            .args(["lock", "migrate", "-y"])
            .args(stage.line.split(' '))
            .current_dir(self.backend.dir());
        command
            .env_clear()
            .envs(self.backend.emulator.aws_env())
            .stdin(Stdio::null());
        command
    }

    fn survives(&self, stage: Stage, cut: Cut, conf: &str) -> Result<(), String> {
        self.reset(stage)?;
        let (output, calls) = self.migrate(stage, Some(cut));
        was_cut(&output)?;
        let at = calls
            .last()
            .map_or("no call".to_owned(), |last| last.call.name());
        let next = self.command(stage).output().expect("the program");
        holds(next.status.success(), || format!("{at}: {}", said(&next)))?;
        self.ended(stage, conf)
            .map_err(|why| format!("{at}: {why}"))?;
        let mut again = self.command(stage).output().expect("the program");
        if stage.lock == "dynamodb" && !said(&again).contains("nothing to do") {
            // The right to release lock files goes by a run of its own.
            again = self.command(stage).output().expect("the program");
        }
        holds(
            again.status.success() && said(&again).contains("nothing to do"),
            || format!("{at}: {}", said(&again)),
        )
    }

    /// A digest that fits its state where the table is in use, and none that does not; rights and
    /// settings that go with it.
    fn ended(&self, stage: Stage, conf: &str) -> Result<(), String> {
        let (left, now) = (self.table(&[]), text(&self.conf()));
        let digest = if stage.lock == "s3" { "" } else { DIGEST };
        // Where the note was gone before the run that ended it, that run takes the right as well.
        let later = stage.left.replace(
            " ReleaseLockFiles",
            if stage.lock == "dynamodb" {
                ""
            } else {
                " ReleaseLockFiles"
            },
        );
        let is_left = [stage.left, &*later]
            .into_iter()
            .any(|expected| left == format!("{digest}{expected}"));
        holds(is_left && now == text(conf), || format!("{left}\n{now}"))?;
        let settings = SETTINGS.replace("\"both\"", &format!("\"{}\"", stage.lock));
        holds(self.settings() == settings, || self.settings())
    }
}

/// Without the digest of the file, which was another one at the other endpoint.
fn text(conf: &str) -> String {
    conf.lines()
        .filter(|line| !line.starts_with("# sha256:"))
        .map(|line| format!("{line}\n"))
        .collect()
}

async fn cut(part: Part) {
    let backend = Backend::make(&["--lock", "both"]).await;
    let both = fs::read_to_string(backend.dir().join("backend.conf")).expect("a file");
    fs::write(backend.dir().join("tfbackend.toml"), SETTINGS).expect("written");
    let world = World {
        bucket: backend.conf("bucket"),
        both,
        backend,
    };
    for stage in STAGES {
        world.reset(stage).expect("as before the stage");
        let (output, calls) = world.migrate(stage, None);
        assert!(output.status.success(), "{}", said(&output));
        let conf = world.conf();
        world.ended(stage, &conf).expect("what the stage is for");
        let what = format!("lock migrate {}", stage.line);
        Cuts::of(&what, &calls, part, SAMPLE)
            .each(async |cut| world.survives(stage, cut, &conf))
            .await;
    }
}
