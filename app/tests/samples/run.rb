# ruby run.rb SAMPLE BODY ID TIMESTAMP SIGNATURE SECRET TOKEN: prints whether the token and the signature are valid.
sample, body, id, timestamp, signature, secret, token = ARGV
load File.expand_path(sample)
headers = { "webhook-id" => id, "webhook-timestamp" => timestamp, "webhook-signature" => signature }
puts "#{token?(body, token)} #{signed?(body, headers, secret)}"
