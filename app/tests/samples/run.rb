# ruby run.rb SAMPLE BODY ID TIMESTAMP SIGNATURE SECRET TOKEN: prints what the sample says of token and signature.
sample, body, id, timestamp, signature, secret, token = ARGV
load File.expand_path(sample)
headers = { "webhook-id" => id, "webhook-timestamp" => timestamp, "webhook-signature" => signature }
puts "#{token?(body, token)} #{signed?(body, headers, secret)}"
