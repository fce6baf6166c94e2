use ottla_tidy::Repo;

#[test]
fn the_changelog_has_an_entry_for_the_version() {
    let version = env!("CARGO_PKG_VERSION");
    let heading = format!("## [{version}]");
    assert!(
        Repo::here().read("CHANGELOG.md").lines().any(|line| line.starts_with(&heading)),
        "add a heading `{heading} - date` to CHANGELOG.md and say under it what users will notice"
    );
}
