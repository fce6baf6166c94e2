//! A broker in fifteen lines: `cargo run -p ottla-server --example serve -- DATA_DIR HOST:PORT`. It serves
//! until its standard input ends.

use std::io::Read;

use ottla_server::{Server, ServerConfig};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let data_dir = arguments.next().unwrap_or_else(|| "ottla-data".to_owned());
    let listen = arguments.next().unwrap_or_else(|| "127.0.0.1:9092".to_owned());

    let server = Server::start(ServerConfig { listen, ..ServerConfig::new(data_dir) })?;
    #[expect(clippy::print_stdout, reason = "whoever started it waits for this line")]
    {
        println!("{}", server.local_addr());
    }
    std::io::stdin().read_to_end(&mut Vec::new())?;
    server.shutdown()?;
    Ok(())
}
