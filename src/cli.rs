//! The command line and the dispatch to its commands.

use crate::text::invisible::is_invisible;
use std::{ffi::OsString, io::Write, pin::Pin};

use clap::{CommandFactory, Parser, Subcommand, error::ErrorKind};

pub mod command_line;
pub(crate) mod global;
pub mod environment;
pub(crate) mod folder_settings;
pub(crate) mod session;
pub(crate) mod context;
pub(crate) mod target;
pub(crate) mod adoption;
pub(crate) mod provision;
pub(crate) mod local;
pub(crate) mod bootstrap;
pub(crate) mod plan;
pub(crate) mod verify;
pub(crate) mod render;
pub(crate) mod teardown;
pub(crate) mod lock;
pub(crate) mod state;
pub(crate) mod migrate;
pub(crate) mod config;
pub(crate) mod backends;
pub(crate) mod here;
pub(crate) mod version;
pub(crate) mod self_check;
pub mod sandbox;
pub(crate) mod shell;
pub(crate) mod signals;
pub mod bug;
mod busy;
mod installed_engine;
pub mod wizard;
pub mod prompt;
pub(crate) mod approval;
pub(crate) mod known_env;
pub(crate) mod folder_defaults;
pub(crate) mod folders;
pub(crate) mod intended_state;
pub(crate) mod state_in_place;
pub(crate) mod save;
pub mod saved;
pub(crate) mod private_file;
pub(crate) mod copies;
pub(crate) mod summary;
pub(crate) mod files;
pub(crate) mod progress;
pub(crate) mod wait;
pub(crate) mod explain;
pub mod failure;
pub(crate) mod log;
pub mod schemas;

use context::Context;
use failure::CliError;
use global::GlobalOptions;

use crate::{
    exit,
    host::Host,
    report::{
        json,
        safe::{is_too_long, safe, shortened},
    },
};

/// Bootstraps, checks and takes down hardened Terraform and OpenTofu state backends
#[derive(Parser, Debug)]
#[command(
    name = "tfbackend",
    version,
    propagate_version = true,
    max_term_width = 100
)]
pub struct Cli {
    #[command(flatten)]
    pub global: GlobalOptions,

    /// Without one, what is in the folder, and what to do next.
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Subcommand, Debug)]
pub enum Command {
    Bootstrap(Box<bootstrap::BootstrapArgs>),
    Plan(Box<plan::PlanArgs>),
    Verify(Box<verify::VerifyArgs>),
    Render(Box<render::RenderArgs>),
    Teardown(Box<teardown::TeardownArgs>),
    Lock(lock::LockArgs),
    State(Box<state::StateArgs>),
    Migrate(Box<migrate::MigrateStatesArgs>),
    Config(config::ConfigArgs),
    Backends(backends::BackendsArgs),
    SelfCheck(Box<self_check::SelfCheckArgs>),
    Sandbox(sandbox::SandboxArgs),
    Version(version::VersionArgs),
    Completions(shell::CompletionsArgs),
    Man(shell::ManArgs),
}

impl Command {
    /// Returns what the command prints instead of JSON, if it has no JSON.
    fn has_no_json(&self) -> Option<&'static str> {
        match self {
            Self::Completions(_) => Some("`completions` prints a script for a shell"),
            Self::Man(_) => Some("`man` writes manual pages"),
            Self::Sandbox(args) => args
                .runs_a_command()
                .then_some("the output of `sandbox run` is that of its command"),
            Self::Bootstrap(_)
            | Self::Plan(_)
            | Self::Verify(_)
            | Self::Render(_)
            | Self::Teardown(_)
            | Self::Lock(_)
            | Self::State(_)
            | Self::Migrate(_)
            | Self::Config(_)
            | Self::Backends(_)
            | Self::SelfCheck(_)
            | Self::Version(_) => None,
        }
    }
}

/// Runs a command line, including the program name, and returns the exit code.
pub fn run(args: impl IntoIterator<Item = OsString>, host: &mut Host) -> u8 {
    let args: Vec<OsString> = args.into_iter().collect();
    let cli = match command_line::parse(&args, host) {
        Ok(cli) => cli,
        Err(error) => return usage(&error, &args, host),
    };
    let Cli { global, command } = cli;
    if global.is_report() && !matches!(command, Some(Command::Verify(_))) {
        let error = Cli::command().error(
            ErrorKind::ArgumentConflict,
            "only verify supports this --output format",
        );
        return usage(&error, &args, host);
    }
    if global.json()
        && let Some(printed) = command.as_ref().and_then(Command::has_no_json)
    {
        let error = Cli::command().error(
            ErrorKind::ArgumentConflict,
            format!("--output json is not supported: {printed}"),
        );
        return usage(&error, &args, host);
    }
    if let Some(dir) = &global.chdir {
        host.cwd = host.cwd.join(dir);
    }
    let json = global.json();
    let view = global.view(host);
    log::start(global.verbose, host.var("TFBACKEND_LOG"), view.style.color);
    let done = match command {
        Some(command) => dispatch(command, global, host),
        None => here::run(&mut Context { host, global }),
    };
    match done {
        Ok(code) => code,
        Err(failure) => {
            let _ = if json {
                json::write_line(&mut *host.out, failure.document())
            } else {
                write!(host.err, "{}", failure.text(&view))
            };
            failure.code
        }
    }
}

/// clap's own exit code for a wrong command line is 2, which would read as "there are changes".
fn usage(error: &clap::Error, args: &[OsString], host: &mut Host) -> u8 {
    // clap repeats what it was given.
    let arguments = || args.iter().map(|arg| arg.to_string_lossy());
    let hostile = arguments().any(|arg| arg.contains(is_invisible) || is_too_long(&arg));
    let plain = || error.render().to_string();
    let text = match (hostile, host.err_is_terminal) {
        (true, _) => plain()
            .lines()
            .map(|line| safe(&shortened(line)).into_owned() + "\n")
            .collect(),
        (false, true) => error.render().ansi().to_string(),
        (false, false) => plain(),
    };
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        let _ = write!(host.out, "{text}");
        return exit::DONE;
    }
    let json = args.iter().any(|arg| arg == "--output=json")
        || args
            .windows(2)
            .any(|pair| pair[0] == "--output" && pair[1] == "json");
    if json {
        let text = error.render().to_string();
        let message = text.strip_prefix("error: ").unwrap_or(&text).trim_end();
        let _ = json::write_line(&mut *host.out, CliError::failed(message).document());
    } else {
        let _ = write!(host.err, "{text}");
    }
    exit::FAILED
}

fn dispatch(command: Command, global: GlobalOptions, host: &mut Host) -> Result<u8, CliError> {
    match command {
        Command::Backends(_) => return backends::run(&mut Context { host, global }),
        Command::Version(_) => return version::run(&mut Context { host, global }),
        Command::Completions(args) => return shell::completions(&args, &mut Cli::command(), host),
        Command::Man(args) => return shell::man(&args, command_line::of_all_kinds(), host),
        Command::Config(config::ConfigArgs {
            command: config::ConfigCommand::Show { environment },
        }) => {
            return config::show(*environment, &mut Context { host, global });
        }
        Command::Bootstrap(_)
        | Command::Plan(_)
        | Command::Verify(_)
        | Command::Render(_)
        | Command::Teardown(_)
        | Command::Lock(_)
        | Command::State(_)
        | Command::Migrate(_)
        | Command::Config(_)
        | Command::SelfCheck(_)
        | Command::Sandbox(_) => {}
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::failed("cannot start").because(&error))?;
    // A name that is being resolved cannot be abandoned otherwise.
    let is_self_check = matches!(command, Command::SelfCheck(_));
    let done = runtime.block_on(async {
        signals::listen(host.cancel.clone());
        let cx = &mut Context { host, global };
        let run = match command {
            Command::Bootstrap(args) => boxed(|| bootstrap::run(*args, cx)),
            Command::Plan(args) => boxed(|| plan::run(*args, cx)),
            Command::Verify(args) => boxed(|| verify::run(*args, cx)),
            Command::Render(args) => boxed(|| render::run(*args, cx)),
            Command::Teardown(args) => boxed(|| teardown::run(*args, cx)),
            Command::Lock(args) => boxed(|| lock::run(args, cx)),
            Command::State(args) => boxed(|| state::run(*args, cx)),
            Command::Migrate(args) => boxed(|| migrate::run(*args, cx)),
            Command::Config(args) => boxed(|| config::run(args, cx)),
            Command::SelfCheck(args) => boxed(|| self_check::run(*args, cx)),
            Command::Sandbox(args) => boxed(|| async move {
                let json = cx.global.json();
                let done = if json {
                    sandbox::run_for_program(&args, cx.host).await
                } else {
                    sandbox::run(&args, cx.host).await
                };
                done.map_err(|error| CliError::of(exit::FAILED, &error))
            }),
            Command::Backends(_)
            | Command::Version(_)
            | Command::Completions(_)
            | Command::Man(_) => {
                unreachable!("carried out above")
            }
        };
        run.await
    });
    if is_self_check {
        runtime.shutdown_background();
    }
    done
}

type CommandResult<'a> = Pin<Box<dyn Future<Output = Result<u8, CliError>> + 'a>>;

/// On the heap, and each made in a frame of its own: beside each other they are more than the stack
/// of a thread.
fn boxed<'a, F: Future<Output = Result<u8, CliError>> + 'a>(
    run: impl FnOnce() -> F,
) -> CommandResult<'a> {
    Box::pin(run())
}
