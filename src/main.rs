//! Passes arguments and the host to the library, and exits with its exit code.

use std::{
    env,
    io::{self, IsTerminal},
    process::ExitCode,
    time::SystemTime,
};

use console::Term;
use tfbackend::{
    cli::{self, bug, prompt},
    host::{self, Host, Prompt, UntilClosed, user},
};
use tokio_util::sync::CancellationToken;

fn main() -> ExitCode {
    bug::ends_the_program();
    ExitCode::from(cli::run(env::args_os(), &mut host()))
}

fn host() -> Host {
    let interactive = io::stdin().is_terminal() && io::stderr().is_terminal();
    let prompt: Box<dyn Prompt> = if interactive {
        Box::new(prompt::TerminalPrompt::new(
            env::var("TERM").ok().as_deref(),
        ))
    } else {
        Box::new(prompt::NoPrompt)
    };
    let text = |value: std::ffi::OsString| value.to_string_lossy().into_owned();
    let vars = env::vars_os()
        .map(|(name, value)| (text(name), text(value)))
        .collect();
    let width = |is_terminal: bool, term: &Term| {
        let terminal = is_terminal.then(|| {
            term.size_checked()
                .map_or(80, |(_, columns)| usize::from(columns))
        });
        host::columns(terminal, &vars)
    };
    let (out_is_terminal, err_is_terminal) =
        (io::stdout().is_terminal(), io::stderr().is_terminal());
    let (out_width, err_width) = (
        width(out_is_terminal, &Term::stdout()),
        width(err_is_terminal, &Term::stderr()),
    );
    Host {
        vars,
        // A removed working directory is reported by the first use of it.
        cwd: env::current_dir().unwrap_or_else(|_| ".".into()),
        who: user::who(),
        out: Box::new(UntilClosed(io::stdout())),
        err: Box::new(UntilClosed(io::stderr())),
        interactive,
        out_is_terminal,
        err_is_terminal,
        out_width,
        err_width,
        prompt,
        now: SystemTime::now(),
        cancel: CancellationToken::new(),
    }
}
