//! The built program in a pseudo-terminal of its own, and what a person sees there.

use std::{
    fs::OpenOptions,
    io::{Read, Write},
    os::unix::fs::OpenOptionsExt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};
use rustix::fs::OFlags;

use super::program::Place;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Back to no color.
const RESET: &str = "\u{1b}[0m";

/// A title of the window, which is on no screen and which no program sets.
const END: &[u8] = b"\x1b]2;the end\x07";

/// Lines and columns.
pub(crate) struct Size {
    pub rows: u16,
    pub cols: u16,
}

pub(crate) struct Terminal<'a> {
    place: &'a Place,
    child: Box<dyn Child + Send + Sync>,
    keyboard: Box<dyn Write + Send>,
    screen: Arc<Mutex<vt100::Parser>>,
    /// All that the program wrote.
    raw: Arc<Mutex<Vec<u8>>>,
    /// How much of it was waited for.
    seen: usize,
    /// Whether all that the program wrote is on the screen.
    seen_end: Arc<AtomicBool>,
    master: Box<dyn MasterPty + Send>,
    /// Kept open, so that its modes can be asked for when the program has ended.
    _slave: Box<dyn SlavePty + Send>,
    modes: String,
}

impl<'a> Terminal<'a> {
    /// Starts `tfbackend` with these arguments in a terminal of 40 lines.
    pub(crate) fn start(place: &'a Place, args: &[&str]) -> Self {
        Self::run(place, env!("CARGO_BIN_EXE_tfbackend"), args)
    }

    /// The same of any program.
    pub(crate) fn run(place: &'a Place, program: &str, args: &[&str]) -> Self {
        Self::run_in(
            place,
            program,
            args,
            Size {
                rows: 40,
                cols: 100,
            },
            "xterm-256color",
        )
    }

    /// The same as [`Terminal::start`] in a terminal of this width and kind.
    pub(crate) fn start_in(place: &'a Place, args: &[&str], columns: u16, kind: &str) -> Self {
        let size = Size {
            rows: 40,
            cols: columns,
        };
        Self::run_in(place, env!("CARGO_BIN_EXE_tfbackend"), args, size, kind)
    }

    /// The same as [`Terminal::run`] in a terminal of another size.
    pub(crate) fn sized(place: &'a Place, program: &str, args: &[&str], size: Size) -> Self {
        Self::run_in(place, program, args, size, "xterm-256color")
    }

    fn run_in(place: &'a Place, program: &str, args: &[&str], size: Size, kind: &str) -> Self {
        let size = PtySize {
            rows: size.rows,
            cols: size.cols,
            ..PtySize::default()
        };
        let pair = native_pty_system()
            .openpty(size)
            .expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(program);
        command.args(args);
        command.cwd(place.path());
        command.env_clear();
        for (name, value) in &place.vars {
            command.env(name, value);
        }
        command.env("TERM", kind);
        let modes = modes(&*pair.master);
        let child = pair.slave.spawn_command(command).expect("the program");
        let screen = Arc::new(Mutex::new(vt100::Parser::new(
            size.rows.try_into().expect("lines"),
            size.cols.try_into().expect("columns"),
            0,
        )));
        let mut output = pair.master.try_clone_reader().expect("its output");
        let drawn = Arc::clone(&screen);
        let raw = Arc::new(Mutex::new(vec![]));
        let written = Arc::clone(&raw);
        let seen_end = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&seen_end);
        thread::spawn(move || {
            let (mut bytes, mut last) = ([0; 4096], vec![]);
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                drawn.lock().expect("the screen").process(&bytes[..count]);
                written
                    .lock()
                    .expect("the output")
                    .extend_from_slice(&bytes[..count]);
                last.extend_from_slice(&bytes[..count]);
                if last.windows(END.len()).any(|window| window == END) {
                    ended.store(true, Ordering::SeqCst);
                }
                last.drain(..last.len().saturating_sub(END.len()));
            }
        });
        let keyboard = pair.master.take_writer().expect("its input");
        Self {
            place,
            child,
            keyboard,
            screen,
            raw,
            seen: 0,
            seen_end,
            master: pair.master,
            _slave: pair.slave,
            modes,
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.process_id().expect("it runs")
    }

    /// Types these keys where a question is asked. Enter is pressed once the rest of them can be
    /// read: before the program takes keys one by one, the terminal itself would break the
    /// line.
    pub(crate) fn press(&mut self, keys: &str) {
        let (text, enter) = keys
            .strip_suffix('\r')
            .map_or((keys, ""), |text| (text, "\r"));
        if !text.is_empty() {
            self.wait_for_keys();
            self.send(text);
            let typed = text.trim_start_matches(char::is_control);
            if !enter.is_empty() && !text.starts_with('\u{1b}') {
                self.wait_for(typed);
            }
        }
        if !enter.is_empty() {
            self.wait_for_keys();
            self.send(enter);
        }
    }

    fn wait_for_keys(&mut self) {
        let until = Instant::now() + PATIENCE;
        while modes(&*self.master).contains("ICANON") {
            assert!(
                Instant::now() < until,
                "nobody takes keys:\n{}",
                self.screen()
            );
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Types these keys, whoever takes them.
    pub(crate) fn send(&mut self, keys: &str) {
        self.keyboard
            .write_all(keys.as_bytes())
            .and_then(|()| self.keyboard.flush())
            .expect("typed");
    }

    /// Waits until `text` can be read, and types `keys`.
    pub(crate) fn answer(&mut self, text: &str, keys: &str) {
        self.wait_for(text);
        self.press(keys);
    }

    /// # Panics
    /// If `text` does not come onto the screen, with what is there.
    pub(crate) fn wait_for(&mut self, text: &str) {
        self.wait(text, |screen| screen.contains(text));
    }

    fn wait(&mut self, what: &str, done: impl Fn(&str) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !done(&self.contents()) {
            assert!(
                Instant::now() < until,
                "waiting for {what:?}:\n{}",
                self.screen()
            );
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn contents(&self) -> String {
        self.screen.lock().expect("the screen").screen().contents()
    }

    /// The whole screen, without what differs from run to run.
    pub(crate) fn screen(&self) -> String {
        let parser = self.screen.lock().expect("the screen");
        let screen = parser.screen();
        let rows: Vec<String> = screen.rows(0, screen.size().1.get()).collect();
        self.place.plain(&rows.join("\n")).trim_end().to_owned()
    }

    /// What is on the screen, each line with the escape codes of its colors; without the empty lines
    /// at the end. What the terminal broke, because it is longer than a line, is whole.
    pub(crate) fn lines_formatted(&self) -> Vec<String> {
        let parser = self.screen.lock().expect("the screen");
        let screen = parser.screen();
        let (rows, columns) = (screen.size().0.get(), screen.size().1.get());
        let (mut lines, mut text, mut last) = (vec![], String::new(), String::new());
        for row in 0..rows {
            let blank = |column: &u16| {
                let cell = screen.cell(row, *column).expect("a cell");
                cell.contents().trim().is_empty()
            };
            let end = match screen.row_wrapped(row) {
                true => columns,
                false => (0..columns)
                    .rev()
                    .find(|at| !blank(at))
                    .map_or(0, |at| at + 1),
            };
            for column in 0..end {
                let cell = screen.cell(row, column).expect("a cell");
                let style = style_of(cell);
                if style != last {
                    text.push_str(&style);
                    last = style;
                }
                text.push_str(match cell.has_contents() {
                    true => cell.contents(),
                    false => " ",
                });
            }
            if !screen.row_wrapped(row) {
                lines.push(std::mem::take(&mut text) + RESET);
                last.clear();
            }
        }
        let used = screen.contents().trim_end().lines().count();
        lines.truncate(used);
        lines
    }

    /// Waits until the program writes `text` after what was waited for before, wherever it is on
    /// the screen.
    pub(crate) fn wait_for_next(&mut self, text: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            let raw = self.raw.lock().expect("the output").clone();
            let new = String::from_utf8_lossy(&raw[self.seen..]).into_owned();
            if let Some(at) = new.find(text) {
                self.seen += at + text.len();
                return;
            }
            assert!(Instant::now() < until, "waiting for {text:?}:\n{new}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// All that the program wrote, with its escapes.
    pub(crate) fn raw(&self) -> String {
        let bytes = self.raw.lock().expect("the output");
        let text = String::from_utf8_lossy(&bytes).replace(&*String::from_utf8_lossy(END), "");
        self.place.plain(&text)
    }

    /// The command after this line, as it was written: all lines up to one that is not broken.
    pub(crate) fn command_after(&self, text: &str) -> String {
        let screen = self.screen.lock().expect("the screen").screen().contents();
        let lines: Vec<&str> = screen
            .lines()
            .skip_while(|line| line.trim() != text)
            .skip(1)
            .collect();
        let end = lines.iter().position(|line| !line.ends_with('\\'));
        lines[..=end.expect("an end")].join("\n")
    }

    /// Waits for the program, and returns its status.
    ///
    /// # Panics
    /// If it leaves the terminal otherwise than it found it.
    pub(crate) fn end(&mut self) -> u32 {
        self.end_within(PATIENCE)
    }

    /// The same of what takes longer.
    ///
    /// # Panics
    /// As [`Terminal::end`].
    pub(crate) fn end_within(&mut self, patience: Duration) -> u32 {
        let until = Instant::now() + patience;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                break status;
            }
            assert!(
                Instant::now() < until,
                "it does not end:\n{}",
                self.screen()
            );
            thread::sleep(Duration::from_millis(10));
        };
        // What it wrote last is still on its way: it has come once what is written after it has
        // come.
        let name = self.master.tty_name().expect("a terminal with a name");
        // It does not become the terminal of this process.
        let flags = i32::try_from(OFlags::NOCTTY.bits()).expect("a flag");
        let mut slave = OpenOptions::new()
            .write(true)
            .custom_flags(flags)
            .open(name)
            .expect("the terminal");
        slave.write_all(END).expect("written");
        while !self.seen_end.load(Ordering::SeqCst) {
            assert!(
                Instant::now() < until,
                "the end of what it wrote does not come:\n{}",
                self.screen()
            );
            thread::sleep(Duration::from_millis(5));
        }
        assert!(
            !self
                .screen
                .lock()
                .expect("the screen")
                .screen()
                .hide_cursor(),
            "the cursor is hidden:\n{}",
            self.screen()
        );
        assert_eq!(
            modes(&*self.master),
            self.modes,
            "the modes of the terminal"
        );
        status.exit_code()
    }
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        // Fails only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn modes(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios().expect("modes"))
}

/// The escape codes of a cell's color and weight.
fn style_of(cell: &vt100::Cell) -> String {
    let mut style = RESET.to_owned();
    for (on, code) in [(cell.bold(), 1), (cell.dim(), 2), (cell.underline(), 4)] {
        if on {
            style.push_str(&format!("\u{1b}[{code}m"));
        }
    }
    if let vt100::Color::Idx(color) = cell.fgcolor() {
        style.push_str(&format!("\u{1b}[38;5;{color}m"));
    }
    style
}
