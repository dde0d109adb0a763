//! The global options, and how they affect output.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::{
    host::Host,
    report::{
        TextStyle,
        style::{ColorChoice, TextStyles},
    },
    settings::names::ProfileName,
    text::shell::shell_word,
};

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Global options")]
pub struct GlobalOptions {
    /// Settings file, instead of `tfbackend.toml` in this folder or one above
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Run as if started in this folder
    #[arg(long, global = true, value_name = "DIR")]
    pub chdir: Option<PathBuf>,

    /// Output format
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    pub output: OutputFormat,

    /// When to use color
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: ColorChoice,

    /// Show all settings and unchanged resources; twice also every call to AWS
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// Show only results and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// AWS profile to use
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<ProfileName>,

    /// Endpoint for all AWS services, for an emulator
    #[arg(long, global = true, value_name = "URL")]
    pub endpoint_url: Option<String>,

    /// Use the sandbox (see `tfbackend sandbox`) instead of AWS
    #[arg(long, global = true, conflicts_with_all = ["profile", "endpoint_url"])]
    pub sandbox: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    Text,
    Json,
    /// SARIF for code scanning (only verify)
    Sarif,
    /// JUnit XML for test reports of CI (only verify)
    Junit,
    /// Markdown for a pull request or a job summary (only verify)
    Markdown,
    /// One self-contained HTML page (only verify)
    Html,
}

/// Words of a command line, each after a space.
fn said(options: [(&str, Option<String>); 2]) -> String {
    options
        .into_iter()
        .filter_map(|(name, value)| Some(format!(" {name}={}", shell_word(&value?))))
        .collect()
}

impl GlobalOptions {
    /// For standard error.
    pub fn view(&self, host: &Host) -> TextStyle {
        self.view_of(host, host.err_is_terminal, host.err_width)
    }

    /// For standard output.
    pub fn out_view(&self, host: &Host) -> TextStyle {
        self.view_of(host, host.out_is_terminal, host.out_width)
    }

    fn view_of(&self, host: &Host, terminal: bool, width: usize) -> TextStyle {
        TextStyle {
            width,
            style: TextStyles::decide(self.color, terminal, &host.vars),
            verbose: self.verbose > 0,
        }
    }

    pub fn json(&self) -> bool {
        self.output == OutputFormat::Json
    }

    /// Returns whether the answer is a document, which nothing may stand beside.
    pub fn document(&self) -> bool {
        self.output != OutputFormat::Text
    }

    /// Returns whether the form of the answer is one that only `verify` has.
    pub fn is_report(&self) -> bool {
        self.document() && !self.json()
    }

    /// Returns the options that select what a command works on, as words of a command line, each
    /// after a space.
    pub fn words(&self) -> String {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let of_files = [
            ("--config", path(&self.config)),
            ("--chdir", path(&self.chdir)),
        ];
        said(of_files) + &self.aws_words()
    }

    /// Those that say where AWS is, and as whom.
    pub fn aws_words(&self) -> String {
        let of_aws = [
            ("--profile", self.profile.as_ref().map(ToString::to_string)),
            ("--endpoint-url", self.endpoint_url.clone()),
        ];
        let sandbox = if self.sandbox { " --sandbox" } else { "" };
        said(of_aws) + sandbox
    }

    /// Returns whether the command would ask, were it run in a terminal.
    pub fn lacks_only_a_terminal(&self, host: &Host) -> bool {
        !host.interactive && self.may_be_attended(host)
    }

    /// Returns whether the user can be asked.
    pub fn attended(&self, host: &Host) -> bool {
        host.interactive && self.may_be_attended(host)
    }

    fn may_be_attended(&self, host: &Host) -> bool {
        !self.document() && host.var("CI").is_none()
    }
}
