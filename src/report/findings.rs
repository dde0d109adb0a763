//! Findings for people and programs: one document, and the forms that it is printed in.

pub mod document;

use document::VerifyDocument;

use super::View;

pub fn text(document: &VerifyDocument, _view: &View) -> String {
    document.findings.iter().map(|f| format!("{:?} {} {:?} {}\n", f.severity, f.id, f.address, f.what)).collect()
}
pub fn sarif(document: &VerifyDocument) -> String {
    text(document, &View { width: 80, style: super::style::Style::PLAIN, verbose: false })
}
pub fn junit(document: &VerifyDocument) -> String {
    sarif(document)
}
pub fn markdown(document: &VerifyDocument) -> String {
    sarif(document)
}
pub fn html(document: &VerifyDocument) -> String {
    sarif(document)
}
