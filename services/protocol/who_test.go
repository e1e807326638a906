package protocol

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestParse_WhoAndWatch(t *testing.T) {
	long := strings.Repeat("x", 128)
	tests := map[string]Command{
		`{"type":"who"}`:                                      {Type: Who, Limit: 3},
		`{"type":"who","limit":1,"after":"a"}`:                {Type: Who, Limit: 1, After: "a"},
		`{"type":"who","after":"","limit":3}`:                 {Type: Who, Limit: 3},
		`{"type":"who","users":[]}`:                           {Type: Who, Users: []string{}},
		`{"type":"who","users":["b" , "a","b"]}`:              {Type: Who, Users: []string{"b", "a", "b"}, Given: 3},
		`{"type":"who","users":["\u0061\ud834\udd1e"]}`:       {Type: Who, Users: []string{"a𝄞"}, Given: 1},
		`{"type":"who","users":["\\ud83d","\ufffd"]}`:         {Type: Who, Users: []string{`\ud83d`, "\ufffd"}, Given: 2},
		`{"type":"who","users":["` + long + `"]}`:             {Type: Who, Users: []string{long}, Given: 1},
		`{"type":"who","level":7,"n":"x"}`:                    {Type: Who, Limit: 3}, // not its fields
		`{"type":"watch"}`:                                    {Type: Watch},
		`{"type":"watch","users":["1","2","3","4","5"]}`:      {Type: Watch, Users: []string{"1", "2", "3"}, Given: 5},
		`{"type":"watch","users":[ ]}`:                        {Type: Watch, Users: []string{}},
		`{"type":"watch","level":"users"}`:                    {Type: Watch},
		`{"type":"watch","level":"c\u006fnnections"}`:         {Type: Watch, Level: ByConnection},
		`{"type":"watch","limit":"x","after":1}`:              {Type: Watch},
		`{"type":"unwatch","users":7}`:                        {Type: Unwatch},
		"{\"type\":\"who\",\"users\":[\n\t\"1\"\r,\"2\" ]}\n": {Type: Who, Users: []string{"1", "2"}, Given: 2},
	}
	for message, want := range tests {
		var got Command
		if e := Parse([]byte(message), limits, &got); e != nil {
			t.Errorf("%s: %s: %s", message, e.Code, e.Message)
		} else if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", message, got, want)
		}
	}
}

// What a hostile client may send in the place of users, each with its exact answer.
func TestParse_WhoRefusals(t *testing.T) {
	tests := []struct {
		fields string
		code   Code
		text   string
	}{
		{`"users":"1"`, BadRequest, "users must be an array of user ids, not a string"},
		{`"users":null`, BadRequest, "users must be an array of user ids, not null"},
		{`"users":{"$gt":""}`, BadRequest, "users must be an array of user ids, not an object"},
		{`"users":[{"$gt":""}]`, BadRequest, "users[0] must be a string, not an object"},
		{`"users":["1",2]`, BadRequest, "users[1] must be a string, not a number"},
		{`"users":["1",["2"]]`, BadRequest, "users[1] must be a string, not an array"},
		{`"users":["1",true]`, BadRequest, "users[1] must be a string, not a boolean"},
		{`"users":[""]`, BadRequest, "users[0]: invalid user id: it is empty"},
		{`"users":["a","\u0000"]`, BadRequest, "users[1]: invalid user id: it has a control or bidirectional character at byte 0"},
		{`"users":["\u202ea"]`, BadRequest, "users[0]: invalid user id: it has a control or bidirectional character at byte 0"},
		{`"users":[" a"]`, BadRequest, "users[0]: invalid user id: it begins or ends with white space"},
		{`"users":["` + strings.Repeat("x", 129) + `"]`, BadRequest, "users[0]: invalid user id: it is 129 bytes long, and 128 are allowed"},
		{`"users":["\ufffd","\ud83d\ude00","\ud83d"]`, BadRequest, "users[2]: it has half of a surrogate pair"},
		{`"users":["\ud83d\ud83d\ude00"]`, BadRequest, "users[0]: it has half of a surrogate pair"},
		{`"users":["\ude00\ud83d"]`, BadRequest, "users[0]: it has half of a surrogate pair"},
		{`"users":["\\ud83d\ud83d\u0061"]`, BadRequest, "users[0]: it has half of a surrogate pair"},
		{"\"users\":[\"\xff\"]", BadRequest, "users[0]: invalid user id: it is not valid UTF-8"},
		{`"users":["1"],"users":["2"]`, BadRequest, "the field users stands twice"},
		{`"users":["1"`, BadRequest, "the message is not valid JSON: see byte 36"},
		{`"users":["1",]`, BadRequest, "the message is not valid JSON: see byte 37"},
		{`"users":` + nested(maxDepth), BadRequest, "the message is not valid JSON: see byte"},
	}
	for _, command := range []string{"who__", "watch"} {
		for _, tt := range tests {
			message := fmt.Sprintf(`{"id":7,"type":%-7s,%s}`, `"`+strings.TrimRight(command, "_")+`"`, tt.fields)
			refused(t, message, tt.code, tt.text)
		}
	}
	for fields, want := range map[string]Error{
		`"users":["1","2","3","4"]`:    {Code: OutOfRange, Message: "users has 4 user ids, and at most 3 may be asked for at once"},
		`"users":[],"after":"a"`:       {Code: BadRequest, Message: "give users, or limit and after, not both"},
		`"users":["1"],"limit":1`:      {Code: BadRequest, Message: "give users, or limit and after, not both"},
		`"limit":0`:                    {Code: OutOfRange, Message: "limit must be between 1 and 3"},
		`"limit":4`:                    {Code: OutOfRange, Message: "limit must be between 1 and 3"},
		`"limit":-1`:                   {Code: OutOfRange, Message: "limit must be between 1 and 3"},
		`"limit":99999999999999999999`: {Code: OutOfRange, Message: "limit must be between 1 and 3"},
		`"limit":1.0`:                  {Code: BadRequest, Message: "limit must be between 1 and 3, in digits, without fraction and exponent"},
		`"limit":"1"`:                  {Code: BadRequest, Message: "limit must be between 1 and 3, not a string"},
		`"after":1`:                    {Code: BadRequest, Message: "after must be a string, the next of the page before, not a number"},
		`"after":{"$gt":""}`:           {Code: BadRequest, Message: "after must be a string, the next of the page before, not an object"},
		`"after":"\ud800"`:             {Code: BadRequest, Message: "after: it has half of a surrogate pair"},
		`"after":"\n"`:                 {Code: BadRequest, Message: "after: invalid user id: "},
	} {
		refused(t, `{"id":7,"type":"who",`+fields+`}`, want.Code, want.Message)
	}
	for _, level := range []string{`"all"`, `1`, `null`, `["users"]`, `"users "`, `""`} {
		refused(t, `{"id":7,"type":"watch","level":`+level+`}`, BadRequest, `level must be "users" or "connections"`)
	}
}

func refused(t *testing.T, message string, code Code, text string) {
	t.Helper()
	var c Command
	e := Parse([]byte(message), limits, &c)
	if e == nil {
		t.Errorf("%s: accepted as %+v", message, c)
	} else if e.Code != code || !strings.HasPrefix(e.Message, text) || string(e.ID) != "7" {
		t.Errorf("%s:\ngot  %s, id %s, %q\nwant %s, %q", message, e.Code, e.ID, e.Message, code, text)
	}
}

func BenchmarkParse_Who(b *testing.B) {
	l := Limits{MaxUsers: 1000}
	for _, n := range []int{1, 200, 1000} {
		users := make([]string, n)
		for i := range users {
			users[i] = fmt.Sprint("user", i)
		}
		p := AppendWhoCommand(nil, "", users)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			var c Command
			for b.Loop() {
				Parse(p, l, &c)
			}
		})
	}
}
