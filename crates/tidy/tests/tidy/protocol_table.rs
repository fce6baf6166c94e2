use ottla_protocol::API_TABLE;
use ottla_tidy::{Repo, table_after};

#[test]
fn the_documented_versions_are_those_of_the_code() {
    let documented: Vec<String> = table_after(&Repo::here().read("docs/PROTOCOL.md"), "APIs and versions")
        .iter()
        .map(|row| format!("| {} | {} | {} | {} |", row[0], row[1], row[2], row[3]))
        .collect();
    let coded: Vec<String> = API_TABLE
        .iter()
        .map(|api| {
            let (min, max) = (api.min_version, api.max_version);
            format!("| {} | {} | {min}-{max} | {} |", api.key.code(), api.key, api.first_flexible_version)
        })
        .collect();
    assert_eq!(
        documented, coded,
        "make the table `APIs and versions` of docs/PROTOCOL.md say what the code says"
    );
}
