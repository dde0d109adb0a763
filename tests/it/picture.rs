//! The picture of the README: a run in a real terminal, drawn as SVG. `make picture` writes it again.

use std::{collections::BTreeSet, fs};

use anstyle::{Color, RgbColor};
use anstyle_svg::{Palette, Term};

use crate::{
    readme::ids,
    support::{
        emulator::Emulator,
        page,
        program::Place,
        terminal::{Size, Terminal},
    },
};

const COMMAND: &str = "tfbackend bootstrap --env dev --auto-approve";
const SETTINGS: &str = "project = \"acme\"\nregion = \"eu-west-1\"\nlock = \"s3\"\n[env.dev]\nalarms \
                        = false\ntrail = \"off\"\naccess-logs = false\n";
const TITLE: &str = "tfbackend bootstrap in a terminal";

/// The colors of GitHub's light and dark pages, so that the picture looks at home there.
const THEMES: [(&str, u32, u32, [u32; 8]); 2] = [
    (
        "light",
        0x1f_2328,
        0xf6_f8fa,
        [
            0x24_292f, 0xcf_222e, 0x11_6329, 0x4d_2d00, 0x09_69da, 0x82_50df, 0x1b_7c83, 0x6e_7781,
        ],
    ),
    (
        "dark",
        0xe6_edf3,
        0x0d_1117,
        [
            0x48_4f58, 0xff_7b72, 0x3f_b950, 0xd2_9922, 0x58_a6ff, 0xbc_8cff, 0x39_c5cf, 0xb1_bac4,
        ],
    ),
];

fn rgb(color: u32) -> RgbColor {
    let [_, red, green, blue] = color.to_be_bytes();
    RgbColor(red, green, blue)
}

fn draw(text: &str, (_, foreground, background, colors): &(&str, u32, u32, [u32; 8])) -> String {
    let mut palette = [rgb(0); 16];
    for (at, color) in palette.iter_mut().enumerate() {
        *color = rgb(colors[at % 8]);
    }
    let svg = Term::new()
        .palette(Palette::from(palette))
        .fg_color(Color::Rgb(rgb(*foreground)))
        .bg_color(Color::Rgb(rgb(*background)))
        .min_width_px(680)
        .render_svg(text);
    // So that it becomes smaller on a narrow page, and has a name for those who do not see it.
    let (size, rest) = svg.split_once('>').expect("a tag");
    let number = |name: &str| {
        let (_, rest) = size.split_once(&format!("{name}=\"")).expect(name);
        rest.split("px").next().expect("a number").to_owned()
    };
    let (width, height) = (number("width"), number("height"));
    format!("{size} viewBox=\"0 0 {width} {height}\" role=\"img\">\n  <title>{TITLE}</title>{rest}")
}

/// The line broken as the terminal breaks it. Escape codes take no place.
fn broken(line: &str, columns: usize) -> String {
    let (mut text, mut column, mut escape) = (String::new(), 0, false);
    for c in line.chars() {
        escape |= c == '\u{1b}';
        if !escape {
            if column == columns {
                text.push('\n');
                column = 0;
            }
            column += 1;
        }
        escape &= c != 'm';
        text.push(c);
    }
    text
}

/// Without the times that steps took: these are of the run that was drawn.
fn without_times(svg: &str) -> String {
    let is_time = |word: &str| {
        word.strip_suffix('s')
            .is_some_and(|number| number.contains('.') && number.parse::<f64>().is_ok())
    };
    svg.split_inclusive(|c: char| !c.is_ascii_alphanumeric() && c != '.')
        .map(|part| {
            let word = part.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
            match is_time(word) {
                true => part.replace(word, "TIME"),
                false => part.to_owned(),
            }
        })
        .collect()
}

#[tokio::test]
async fn picture_of_the_readme_is_a_run_of_the_program() {
    let emulator = Emulator::start().await;
    let mut place = Place::with(&emulator);
    place.set("TFBACKEND_PARALLELISM", "1");
    fs::write(place.path().join("tfbackend.toml"), SETTINGS).expect("written");
    let words: Vec<&str> = COMMAND.split(' ').skip(1).collect();
    let size = Size { rows: 60, cols: 80 };
    let mut terminal = Terminal::sized(&place, env!("CARGO_BIN_EXE_tfbackend"), &words, size);
    assert_eq!(terminal.end(), 0, "{}", terminal.screen());
    let folder = place.path().display().to_string();
    let lines = terminal.lines_formatted();
    assert!(lines.len() < 55, "all of it fits onto the screen");
    let lines = lines.iter().map(|line| line.replace(&folder, "~/infra"));
    let run: String = lines.map(|line| broken(&ids(&line), 80) + "\n").collect();
    let text = format!("\u{1b}[1m$ {COMMAND}\u{1b}[0m\n{}", run.trim_end());
    let mut drawn = BTreeSet::new();
    for theme in &THEMES {
        let name = format!("docs/pictures/bootstrap-{}.svg", theme.0);
        let svg = draw(&text, theme);
        let kept = fs::read_to_string(page::path(&name)).unwrap_or_default();
        if without_times(&kept) != without_times(&svg) {
            page::must_be(&name, &svg);
        }
        let svg = roxmltree::Document::parse(&svg).expect("an SVG");
        let words: String = svg.descendants().filter_map(|node| node.text()).collect();
        for says in [
            COMMAND,
            "about $1.00 a month",
            "verified: 9 resources",
            "terraform init",
        ] {
            assert!(words.contains(says), "{says}: {words}");
        }
        drawn.insert(name);
    }
    let readme = page::read("README.md");
    let entries = fs::read_dir(page::path("docs/pictures")).expect("pictures");
    for entry in entries {
        let name = entry.expect("a picture").file_name();
        let name = format!("docs/pictures/{}", name.to_str().expect("a name"));
        assert!(drawn.contains(&name) && readme.contains(&name), "{name}");
    }
}

#[test]
fn times_are_no_difference_between_pictures() {
    let drawn =
        |time: &str| without_times(&format!("<tspan>key  {time}</tspan>$1.00/month v0.1.0s"));
    assert_eq!(drawn("0.12s"), drawn("13.0s"));
    assert_ne!(drawn("0.12s"), drawn("0.12"));
    assert!(drawn("0.1s").contains("$1.00/month v0.1.0s"));
}
