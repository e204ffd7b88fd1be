// Built together with the sample. verify BODY ID TIMESTAMP SIGNATURE SECRET TOKEN: prints whether the token and the signature are valid.
package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	args := os.Args[1:]
	body, id, timestamp, signature, secret, token := args[0], args[1], args[2], args[3], args[4], args[5]
	headers := http.Header{}
	headers.Set("webhook-id", id)
	headers.Set("webhook-timestamp", timestamp)
	headers.Set("webhook-signature", signature)
	fmt.Println(hasToken([]byte(body), token), isSigned([]byte(body), headers, secret))
}
